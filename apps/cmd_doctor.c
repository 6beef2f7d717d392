/* furrow doctor: what the launch looks like from inside, and what is wrong with it. */
#include "doctor_facts.h"
#include "doctor_report.h"

static cli_list_t paths;

static furrow_status_t report(const cli_t *cli, const doctor_facts_t *facts, furrow_error_t *err)
{
    static doctor_problem_t problems[DOCTOR_PROBLEMS_MAX];
    const int count = doctor_check(facts, problems);
    const doctor_report_t whole = {.facts = facts, .problem = problems, .problems = count};
    furrow_status_t status = FURROW_OK;

    if (cli->json)
        status = doctor_print_json(cli, &whole, err);
    else
        doctor_print_text(cli, &whole);
    if (status != FURROW_OK || count == 0) return status;
    return cli_fail(err, FURROW_EMISMATCH, "%d problem%s found", count, count == 1 ? "" : "s");
}

static furrow_status_t run(cli_t *cli, furrow_error_t *err)
{
    static doctor_facts_t facts;

    if (cli->name_count != 0) return cli_fail(err, FURROW_EARG, "takes no files, %d given", cli->name_count);
    furrow_status_t status = doctor_facts(cli, &paths, &facts, err);
    if (status == FURROW_OK && cli->is_root) status = report(cli, &facts, err);
    doctor_facts_free(&facts);
    return status;
}

static const cli_option_t options[] = {
    {"path", 0, "PATH", "a folder or file that your command uses: do all ranks see the same? May be repeated", CLI_LIST,
     &paths},
    {NULL, 0, NULL, NULL, CLI_FLAG, NULL},
};

const cli_command_t cmd_doctor = {
    "doctor",
    "",
    "What the launch looks like from inside: ranks, cores, threads, memory; and what is wrong with it.",
    "Launch it as you would launch your own command: same mpirun or srun, same -t and --memory. Each problem comes "
    "with\n"
    "a launch line that has none. Exit code 1 if there is any problem.\n"
    "With several ranks the first one writes a small file in the current folder, for a moment: do the others see it?\n"
    "Cores are what the system runs threads on: hardware threads, where a physical core has several.\n",
    options,
    run};
