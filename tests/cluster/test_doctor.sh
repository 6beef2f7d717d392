#!/usr/bin/env bash
# furrow doctor on several hosts: it finds what is wrong with a launch, and each of its corrected lines, run as it stands, has no problem.
# Where srun starts no MPI, every command refuses.
. "$FURROW_SOURCE_DIR/tests/cluster/lib.sh"
bin=$(dirname "$FURROW")
export PATH=$bin:$PATH SBATCH_PARTITION=crowd SLURM_PARTITION=crowd

# What is changed on hosts, and put back however the test ends. Each host has a /tmp of its own, where `private` is.
private=/tmp/$(basename "$work")
restore()
{
    on_host h2 umount /dev/shm
    on_host h3 umount "$work/folder"
    for host in h1 h2 h3; do on_host $host rm -rf "$private"; done
}
trap 'restore 2>/dev/null; rm -rf "$work"' EXIT

# expect_problem TEXT COMMAND...: doctor, launched so, has that one problem.
expect_problem()
{
    local text=$1
    shift
    expect_exit 1 "$@"
    expect_text stdout "$text"
    grep -qxF 'furrow: doctor: 1 problem found' stderr || { sed '1,/^Problems/d' stdout >&2; fail "more than the problem '$text'"; }
}

# expect_cured: both corrected lines of the report in stdout are good launches, as they stand.
expect_cured()
{
    local line lines=() launcher

    for launcher in Slurm 'Open MPI'; do
        line=$(sed -nE "s/^ +$launcher: +//p" stdout | head -n 1)
        [ -n "$line" ] || { cat stdout >&2; fail "the corrected line for $launcher is missing"; }
        lines+=("$line")
    done
    for line in "${lines[@]}"; do expect_exit 0 bash -c "$line"; done
}

# ------------------------------------------------------------------------------------------------------------- cores
crowded()
{
    in_folder crowded
    expect_problem '4 threads share 2 cores (0-1) on node h1: 2 ranks, 2 threads each, from -t, and on 2 more nodes' \
        on_hosts 6 "$FURROW" doctor -t 2
    expect_cured
}
bound()
{
    in_folder bound
    expect_problem 'the launcher has bound all 2 ranks to the same core: node h1 uses 1 of 2 cores (0), and on 2 more nodes' \
        srun --mpi=pmix --nodes=3 --ntasks=6 --cpu-bind=map_cpu:0 furrow doctor
    expect_cured
    expect_problem 'bound the only rank to one core: node h3 uses 1 of 2 cores (0)' \
        on_ranks 1 -H h3 --bind-to core "$FURROW" doctor # the line must lead there, too
    expect_cured
}

# In a job with two cores per task srun gives a rank one, unless it is told; mpirun knows nothing of the two.
job()
{
    local report launcher

    in_folder job
    cat >job.sh <<'JOB'
#!/bin/bash
unset SLURM_PARTITION
furrow doctor -m 64M >none.txt
srun --mpi=pmix --exact "$FURROW" doctor -m 64M >lost.txt
mpirun --bind-to core "$FURROW" doctor -m 64M >bound.txt
for report in none lost bound; do
    for launcher in Slurm 'Open MPI'; do
        line=$(sed -nE "s/^ +$launcher: +//p" $report.txt)
        bash -c "$line" >"$report-by-$launcher.txt"
    done
done
JOB
    submit --cpus-per-task=2 --ntasks-per-node=1 job.sh
    finish "$job" 0
    expect_text none.txt 'the Slurm job has 3 tasks, but Furrow was started without a launcher and is one rank'
    expect_text lost.txt '--cpus-per-task=2 of the job was lost: rank 0 on h1 may use 1 core, and so 2 more'
    expect_text bound.txt '--cpus-per-task=2 of the job was lost: rank 0 on h1 may use 1 core, and so 2 more'
    for report in none lost bound; do
        for launcher in Slurm 'Open MPI'; do
            expect_text "$report-by-$launcher.txt" 'ranks         3 on 3 nodes'
            expect_text "$report-by-$launcher.txt" 'cores         2 of 2 may be used'
            expect_text "$report-by-$launcher.txt" 'No problem found.'
        done
    done
}

# ------------------------------------------------------------------------------------------------------------- files
for host in head h1 h2 h3; do
    on_host $host mkdir -p "$private" && on_host $host bash -c "hostname >$private/file" || fail 'mkdir'
done
mkdir folder
on_host h3 bash -c 'mount --bind folder folder && mount -o remount,bind,ro folder' || fail 'mount'
folder_is_private()
{
    in_folder private
    expect_problem "rank 1 on h2 does not see $private as rank 0 on h1 does: No such file or directory, and so 1 more rank" \
        bash -c "cd $private && exec \"\$@\"" . "$MPIEXEC" -H h1,h2,h3 -n 3 --bind-to none "$FURROW" doctor
    expect_equal 'file ' "$(on_host h1 ls -A "$private" | tr '\n' ' ')" 'what is left'
    expect_cured
}
file_is_private()
{
    in_folder file
    expect_problem "rank 1 on h2 finds another file under the name $private/file than rank 0 on h1, and so 1 more rank" \
        on_hosts 3 "$FURROW" doctor --path "$private/file"
    cd .. || exit 1
    expect_exit 1 on_hosts 3 "$FURROW" doctor --path folder
    expect_text "$work/stdout" 'rank 2 on h3 cannot write in folder, rank 0 on h1 can: Read-only file system'
    expect_equal '' "$(ls -A folder)" 'what is left'
}

# ---------------------------------------------------------------------------------------------------- names, versions, limits
names_clash()
{
    in_folder names
    cat >as_h1.sh <<'END'
[ "$(hostname)" = h2 ] || exec "$@"
exec unshare --uts --mount bash -c 'hostname h1; mount --bind boot_id /proc/sys/kernel/random/boot_id; exec "$@"' . "$@"
END
    echo 01234567-89ab-cdef-0123-456789abcdef >boot_id
    expect_problem 'ranks 0 and 1 run on two nodes of one name, h1' on_hosts 3 bash as_h1.sh "$FURROW" doctor
}

# Another build of the library, by which a command of the same name differs.
versions_differ()
{
    local version other library

    in_folder versions
    version=$("$FURROW" --version | cut -d ' ' -f 2)
    other=${version//[0-9]/9}
    library=$(ldd "$FURROW" | sed -nE 's/.*=> (.*libfurrow[^ ]*).*/\1/p')
    mkdir lib # where mpirun makes nobody look
    LC_ALL=C sed "s/${version//./\\.}/$other/g" "$library" >"lib/$(basename "$library")" || fail 'sed'
    expect_problem "rank 0 on h1 runs Furrow $version, rank 1 on h2 runs $other" \
        on_hosts 3 bash -c '[ $(hostname) != h2 ] || export LD_LIBRARY_PATH=$PWD/lib; exec "$@"' . "$FURROW" doctor
}

few_files()
{
    in_folder few
    expect_problem 'rank 2 on h3 may open 512 files at most' \
        on_hosts 3 bash -c '[ $(hostname) != h3 ] || ulimit -n 512; exec "$@"' . "$FURROW" doctor
}

# Two at once: either line heals both.
limits()
{
    in_folder limits
    on_host h2 mount -t tmpfs -o size=15m tmpfs /dev/shm || fail 'mount'
    expect_exit 1 bash -c 'ulimit -Sn 100; exec "$@"' . "$MPIEXEC" -H h1:2,h2:2,h3:2 -n 6 "$FURROW" doctor
    expect_text stdout 'rank 0 on h1 may open 100 files (ulimit -n): with 6 ranks MPI may need 140'
    expect_text stdout '/dev/shm on node h2 has 14M free, 2 ranks need 16M (8M each)'
    expect_text stderr 'furrow: doctor: 2 problems found'
    expect_cured
}

# ------------------------------------------------------------------------------------------ srun without a plugin for MPI
# refuses COMMAND: each task would do all of the work.
refuses()
{
    in_folder "refuses-$1"
    ln -s ../data.npy .
    expect_exit 1 srun --mpi=none --nodes=3 furrow "$@"
    expect_text stderr "furrow: $1: srun started 3 tasks without an MPI plugin"
    expect_text stderr 'use srun --mpi=pmix, or mpirun'
    expect_equal 'data.npy' "$(echo *.npy)" 'files'
}

"$FURROW" random --shape 1000,3 --seed 1 -q -o data.npy || fail random
in_parallel crowded job folder_is_private file_is_private names_clash versions_differ few_files bound \
    'refuses info data.npy' 'refuses reduce sum data.npy' 'refuses dot data.npy data.npy' 'refuses rows sort data.npy -o out.npy' \
    'refuses split data.npy -n 2 -o out-%d.npy' 'refuses join data.npy -o out.npy' 'refuses images . -o out.npy' \
    'refuses random --shape 5 --seed 1 -o out.npy' 'refuses bench --quick' 'refuses doctor'
limits
