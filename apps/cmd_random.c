/* furrow random: a file of random numbers. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "cli.h"

static const char *shape_text, *dtype_text = "f8", *dist_text = "uniform", *output;
static uint64_t seed;
static const char *seed_text;

static furrow_status_t check(cli_t *cli, furrow_npy_t *npy, furrow_dist_t *dist, furrow_error_t *err)
{
    if (cli->name_count > 0) return cli_fail(err, FURROW_EARG, "'%.100s' is not expected", cli->names[0]);
    if (shape_text == NULL) return cli_fail(err, FURROW_EARG, "--shape is missing");
    if (seed_text == NULL) return cli_fail(err, FURROW_EARG, "--seed is missing");
    if (output == NULL) return cli_fail(err, FURROW_EARG, "--output is missing");
    if (!cli_to_shape(shape_text, &npy->ndim, npy->shape))
        return cli_fail(err, FURROW_EARG, "--shape: '%.100s' is not N or N,M,...", shape_text);
    if (strcmp(dtype_text, "f4") != 0 && strcmp(dtype_text, "f8") != 0)
        return cli_fail(err, FURROW_EARG, "--dtype: '%.100s' is neither f4 nor f8", dtype_text);
    if (strcmp(dist_text, "uniform") != 0 && strcmp(dist_text, "normal") != 0)
        return cli_fail(err, FURROW_EARG, "--dist: '%.100s' is neither uniform nor normal", dist_text);
    if (!cli_to_uint64(seed_text, &seed))
        return cli_fail(err, FURROW_EARG, "--seed: '%.100s' is not an integer from 0 to 2^64 - 1", seed_text);
    npy->dtype = strcmp(dtype_text, "f4") == 0 ? FURROW_F4 : FURROW_F8;
    *dist = strcmp(dist_text, "normal") == 0 ? FURROW_NORMAL : FURROW_UNIFORM;
    return cli->is_root ? cli_check_output(output, NULL, 0, err) : FURROW_OK;
}

static furrow_status_t report(const cli_t *cli, const furrow_npy_t *npy, furrow_error_t *err)
{
    char shape[24 * FURROW_MAX_NDIM];

    if (cli->json) {
        cJSON *json = cli_json(cli);
        cJSON_AddStringToObject(json, "output", output);
        cJSON_AddStringToObject(json, "dtype", dtype_text);
        cJSON_AddItemToObject(json, "shape", cli_json_shape(npy));
        return cli_print_json(cli, json, err);
    }
    cli_print_shape(npy, shape, sizeof shape);
    if (!cli->quiet) (void)printf("%s: %s %s, %s, seed %" PRIu64 "\n", output, dtype_text, shape, dist_text, seed);
    return FURROW_OK;
}

static furrow_status_t run(cli_t *cli, furrow_error_t *err)
{
    furrow_npy_t npy = {0};
    furrow_dist_t dist = FURROW_UNIFORM;

    furrow_status_t status = furrow_agree(cli->ctx, check(cli, &npy, &dist, err), err);
    if (status != FURROW_OK) return status;
    status = furrow_random_file(cli->ctx, output, cli->source, seed, dist, npy.dtype, npy.ndim, npy.shape, err);
    return status == FURROW_OK && cli->is_root ? report(cli, &npy, err) : status;
}

static const cli_option_t options[] = {
    {"shape", 0, "N[,M...]", "lengths of the axes", CLI_TEXT, &shape_text},
    {"dtype", 0, "f4|f8", "default f8", CLI_TEXT, &dtype_text},
    {"dist", 0, "uniform|normal", "[0, 1), or mean 0 and deviation 1; default uniform", CLI_TEXT, &dist_text},
    {"seed", 0, "S", "an integer from 0 to 2^64 - 1", CLI_TEXT, &seed_text},
    {"output", 'o', "OUT.npy", "the file to write", CLI_TEXT, &output},
    {NULL, 0, NULL, NULL, CLI_FLAG, NULL},
};

const cli_command_t cmd_random = {
    "random",
    "--shape N[,M...] [--dtype f4|f8] [--dist uniform|normal] --seed S -o OUT.npy",
    "An .npy file of random numbers: the same bytes for any ranks and threads.",
    "Generator: Philox4x64-10, keyed by the seed, counted by element. Uniform f8 equals\n"
    "numpy.random.Generator(numpy.random.Philox(key=S)).random(N), and f4 the same with dtype=numpy.float32.\n"
    "Normal is the inverse distribution function (AS 241) at the same numbers; NumPy's normals differ.\n",
    options,
    run,
};
