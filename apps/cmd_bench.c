#include "cli.h"
static furrow_status_t run(cli_t *cli, furrow_error_t *err)
{
    (void)cli;
    (void)err;
    return FURROW_OK;
}
static const cli_option_t options[] = {{NULL, 0, NULL, NULL, CLI_FLAG, NULL}};
const cli_command_t cmd_bench = {"bench", "", "bench", NULL, options, run};
