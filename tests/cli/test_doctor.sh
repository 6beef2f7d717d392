#!/usr/bin/env bash
# furrow doctor: what it sees of real launches, and that its corrected launch lines launch well.
. "$FURROW_SOURCE_DIR/tests/lib.sh"

# These stand for the machine that the test runs on; the caller's Slurm job is not what is tested.
for name in $(compgen -e SLURM_); do unset "$name"; done
cores=$(nproc)

# A machine that is ill before the test starts cannot show that a healthy one is found healthy.
[ "$(ulimit -Hn)" = unlimited ] || [ "$(ulimit -Hn)" -ge 1024 ] || skip 'the limit of open files is below 1024'

# A plain run has no problem, and says what a newcomer asks.
expect_exit 0 furrow doctor -t 1 -m 64M
for text in 'launcher      none' 'MPI' 'not started' 'kernels' 'decoders      JPEG by ' 'memory' 'open files' 'No problem found.'; do
    expect_text stdout "$text"
done
expect_lines stderr 0

# JSON: the keys are a contract.
expect_exit 0 furrow doctor -t 1 -m 64M --json
expect_lines stdout 1
for key in furrow command ranks threads elapsed_s launcher mpi slurm kernels decoders built_with nodes ranks_detail problems; do
    expect_text stdout "\"$key\":"
done
expect_equal doctor "$(json_value command)" command
expect_equal 1 "$(json_value threads)" threads
expect_equal none "$(json_value launcher)" launcher
expect_equal "$(hostname)" "$(json_value host)" host
expect_equal 67108864 "$(json_value memory_cap_bytes)" memory_cap_bytes
expect_text stdout '"problems":[]'

# One core of several, chosen by the user, is no problem.
first=$(taskset -cp $$ | sed -E 's/.*: ([0-9]+).*/\1/')
expect_exit 0 taskset -c "$first" "$FURROW" doctor -m 64M --json
expect_equal "$first" "$(json_value cpus)" 'cores under taskset'
expect_equal 1 "$(json_value threads)" 'threads under taskset'

# Too many threads, from the option and from the environment, the latter with a line that helps.
expect_exit 1 furrow doctor -t 4096 -m 64M
expect_text stdout '4096 threads share'
expect_text stdout 'leave -t out'
expect_equal 'furrow: doctor: 1 problem found' "$(cat stderr)" 'error line'
expect_exit 1 env OMP_NUM_THREADS=4000 "$FURROW" doctor -m 64M
expect_text stdout 'OMP_NUM_THREADS'
line=$(sed -nE 's/^ +(.*furrow doctor -t [0-9]+ --memory 64M)$/\1/p' stdout)
[ -n "$line" ] || fail 'no corrected line for OMP_NUM_THREADS'
expect_exit 0 env OMP_NUM_THREADS=4000 bash -c "$line"

# Folders and files: one rank need only be able to use them.
mkdir folder
expect_exit 0 furrow doctor -t 1 -m 64M --path folder --path "$0" --json
expect_text stdout '"paths":[{"path":"folder","kind":"folder","shared":true},{"path":"'
expect_exit 1 furrow doctor -t 1 -m 64M --path folder/nothing
expect_text stdout 'rank 0 on '"$(hostname)"' cannot open folder/nothing: No such file or directory'
on_ranks 3 furrow doctor -t 1 -m 64M --path folder >stdout # more ranks than cores are another matter
expect_text stdout "folder        $PWD: all ranks see the same"
expect_text stdout 'folder        folder: all ranks see the same'
expect_equal '' "$(ls -A folder)$(find . -name '.furrow-doctor*')" 'what is left'

# Other problems: memory, open files, kernels, a Slurm job without srun.
expect_exit 1 furrow doctor -t 1 -m 1000T
expect_text stdout '(--memory)'
expect_exit 1 bash -c "ulimit -n 512 && exec $FURROW doctor -t 1 -m 64M"
expect_text stdout 'may open 512 files at most'
expect_exit 1 env FURROW_KERNELS=fastest "$FURROW" doctor -t 1 -m 64M
expect_text stdout 'FURROW_KERNELS asks for fastest'
expect_exit 1 env SLURM_JOB_ID=7 SLURM_NTASKS=4 "$FURROW" doctor -t 1 -m 64M
expect_text stdout 'SLURM_JOB_ID=7'
expect_text stdout 'the Slurm job has 4 tasks'

# Wrong usage.
expect_exit 2 furrow doctor something
expect_text stderr 'takes no files'

# Three ranks, each listed, whatever the machine.
on_ranks 3 furrow doctor --json -m 64M >stdout 2>stderr
expect_equal 3 "$(json_value ranks)" ranks
expect_text stdout '"ranks":[0,1,2]'
expect_equal 3 "$(grep -o '"pid":' stdout | wc -l)" 'ranks in ranks_detail'
expect_equal 3 "$(grep -oE '"pid":[0-9]+' stdout | sort -u | wc -l)" 'different processes'
expect_text stdout '"launcher":"mpirun (Open MPI)"'
expect_text stdout '"thread_level":"funneled"'

# expect_cured: the corrected line for Open MPI of the report in stdout, run as it stands, has no problem.
expect_cured()
{
    local line
    line=$(sed -nE 's/^ *Open MPI: //p' stdout)
    [ -n "$line" ] || fail 'no corrected line for Open MPI'
    expect_exit 0 bash -c "$line"
}

expect_exit 1 on_ranks 2 furrow doctor -t 2048 -m 64M
expect_text stdout '4096 threads share'
expect_equal 'furrow: doctor: 1 problem found' "$(grep -v '^$' stderr)" 'error line'
expect_cured
expect_exit 1 on_ranks $((cores * 2)) furrow doctor -m 64M
expect_text stdout "$((cores * 2)) threads share $cores core"
expect_cured
if [ "$cores" -gt 1 ]; then
    expect_exit 1 on_ranks 1 --bind-to core furrow doctor -m 64M
    expect_text stdout 'bound the only rank to one core'
    expect_cured
    expect_exit 1 on_ranks 1 --bind-to core -x SLURM_CPUS_PER_TASK="$cores" furrow doctor -m 64M
    expect_text stdout "--cpus-per-task=$cores of the job was lost"
fi
