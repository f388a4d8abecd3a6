"""The files of cluster/ beside the batch scripts that test_slurm.py runs: the job array, the container's definition, the
hostfile, the ReFrame checks. What cannot run here is checked as far as it goes."""

import py_compile
import re
import shutil
import subprocess

import pytest

import checkpoints
import program
import slurm_cluster

CLUSTER = program.ROOT / "cluster"
SMALL = ["--batch-size", 8, "--epochs", 3, "--split", "random:0.9", "--log-every", 1, "--threads", 1]
LAST = "checkpoints/epoch-0003.h5"


def shell(script, *arguments, **environment):
    """Runs a script with bash, outside of Slurm."""
    return program.finish(program.start_line(["bash", str(script), *map(str, arguments)], **environment), timeout=60)


# The job array


def task(number, *arguments, **environment):
    """What a task of the array does, with the launcher replaced by one that prints its words: those words."""
    outcome = shell(
        CLUSTER / "array.sbatch", *arguments, SLURM_ARRAY_JOB_ID=77, SLURM_ARRAY_TASK_ID=number, SLURM_JOB_ID=80,
        SLURM_SUBMIT_DIR="/nowhere", CRNN_DIST="crnn-dist", CRNN_DIST_LAUNCH=r"printf %s\n", **environment)
    if outcome.code != program.DONE:
        return outcome
    words = outcome.output.splitlines()
    return words[words.index("crnn-dist"):]


def test_a_task_has_its_number_as_its_seed_and_a_folder_of_its_own():
    assert task(3, "--data", "with blanks.h5", "--out", "runs/seeds", "--epochs", 2) == [
        "crnn-dist", "train", "--resume", "--data", "with blanks.h5", "--epochs", "2", "--seed", "3",
        "--out", "runs/seeds/task-0003"]


def test_a_task_may_have_other_options():
    folds = "--split track-lists:train-{task}.txt,validation-{task}.txt,test.txt"
    assert task(2, "--seed", 7, "--out=runs/folds", CRNN_DIST_TASK_OPTIONS=folds) == [
        "crnn-dist", "train", "--resume", "--seed", "7", "--split",
        "track-lists:train-2.txt,validation-2.txt,test.txt", "--out", "runs/folds/task-0002"]


def test_a_list_has_a_line_for_each_task(tmp_path):
    tasks = tmp_path / "tasks.txt"
    tasks.write_text("--model small\n--filters '[60, 60, 60]' --clip-norm \"$(exit 3)\"\n\n--out first --seed 3\n--out=a/b\n--out ../c\n")
    alike = ["crnn-dist", "train", "--resume", "--data", "songs.h5"]

    def said(number):
        return task(number, "--data", "songs.h5", "--out", "runs", CRNN_DIST_TASKS=tasks)

    assert said(1) == [*alike, "--model", "small", "--out", "runs/task-0001"]
    assert said(2) == [*alike, "--filters", "[60, 60, 60]", "--clip-norm", "$(exit 3)", "--out", "runs/task-0002"]
    assert said(3) == [*alike, "--out", "runs/task-0003"]
    assert said(4) == [*alike, "--seed", "3", "--out", "runs/first"]
    assert said(5) == [*alike, "--out", "runs/a/b"]
    for number, complaint in ((6, "--out ../c, expected a folder's name below runs"), (7, "has 6; submit with --array=1-6")):
        outcome = said(number)
        assert outcome.code == program.USAGE and complaint in outcome.errors, str(outcome)


@pytest.mark.parametrize("arguments, environment, complaint", [
    (["--data", "songs.h5"], {}, "no --out FOLDER"),
    (["--out"], {}, "no --out FOLDER"),
    (["--out", "runs", "--seed", 7], {}, "--seed for all tasks"),
    (["--out", "runs"], {"CRNN_DIST_TASKS": "/nowhere/tasks.txt"}, "no list of tasks in /nowhere/tasks.txt"),
    (["--out", "runs"], {"CRNN_DIST_TASK_OPTIONS": "--tags 'rock"}, "cannot split into words"),
])
def test_a_task_that_cannot_run_says_why(arguments, environment, complaint):
    outcome = task(1, *arguments, **environment)
    assert outcome.code == program.USAGE and complaint in outcome.errors, str(outcome)


def test_an_array_ends_like_a_preemptible_job():
    """Each batch script is whole, to be copied and adapted; what they share stays alike."""
    ends = [(CLUSTER / name).read_text().split("# From here on as in ")[1].split("\n", 1)[1]
            for name in ("array.sbatch", "preemptible.sbatch")]
    assert "scontrol requeue" in ends[0] and ends[0] == ends[1]


@pytest.mark.slurm
def test_tasks_of_an_array_go_on_by_themselves(cluster, snapshot, tmp_path):
    """Three runs of the same seed: one undisturbed, one told of its time limit, one preempted."""
    tasks = tmp_path / "tasks.txt"
    tasks.write_text("--seed 21\n" * 3)
    runs = [tmp_path / f"runs/task-{number:04}" for number in (1, 2, 3)]

    arguments = ["--data", snapshot, "--out", tmp_path / "runs", *SMALL,
                 # Wide enough that two epochs last a second or so, in which the signals come.
                 "--filters", "[100,100,100]", "--recurrent-units", 40]
    job = cluster.submit(
        CLUSTER / "array.sbatch", *arguments, options=["--array=1-3", "--cpus-per-task=1"], folder=tmp_path,
        environment=program.environment(**{
            **cluster.environment, **slurm_cluster.ONE_MACHINE, "CRNN_DIST": str(program.BINARY),
            "CRNN_DIST_TASKS": str(tasks)}))
    # The last task to start has the array's own number: what it asks of Slurm by that would befall all tasks.
    checkpoints.wait_for_epoch(runs[2], 2)
    cluster.command("scancel", "--batch", "--signal=USR1", f"{job}_3")
    checkpoints.wait_for_epoch(runs[1], 2)
    cluster.command("scontrol", "requeue", f"{job}_2")
    facts = [cluster.wait(f"{job}_{number}") for number in (1, 2, 3)]
    assert facts[2]["JobId"] == str(job)
    assert [fact["Restarts"] for fact in facts] == ["0", "1", "1"]
    for run in runs[1:]:
        assert checkpoints.metrics(run, "resume")
        assert checkpoints.differences(runs[0] / LAST, run / LAST) == []

    # The same once more: what is finished ends at once, and well.
    written = (runs[1] / LAST).stat().st_mtime_ns
    outcome = shell(CLUSTER / "array.sbatch", *arguments, SLURM_ARRAY_JOB_ID=job + 10, SLURM_ARRAY_TASK_ID=2,
                    CRNN_DIST=program.BINARY, CRNN_DIST_TASKS=tasks, CRNN_DIST_LAUNCH="env")
    assert outcome.code == program.DONE and "done: " in outcome.errors, str(outcome)
    assert (runs[1] / LAST).stat().st_mtime_ns == written


# The container's definition


def sections(definition):
    """The shell sections of an Apptainer definition as (name, text), each up to the next one or the next stage."""
    parts = re.split(r"^(?=%|Bootstrap:)", definition, flags=re.MULTILINE)
    named = [part.split("\n", 1) for part in parts if part.startswith("%")]
    return [(name.removeprefix("%").strip(), text) for name, text in named
            if name.strip() in ("%post", "%test", "%runscript", "%environment")]


def test_the_image_s_test_passes_with_this_binary(tmp_path):
    """The same text that runs inside the image, as Apptainer runs it, with a binary named from outside."""
    script = tmp_path / "test.sh"
    script.write_text(dict(sections((CLUSTER / "crnn-dist.def").read_text()))["test"])
    rest = tmp_path / "temporary"
    rest.mkdir()
    outcome = program.finish(program.start_line(
        ["/bin/sh", "-ex", str(script)], CRNN_DIST_TESTED=program.BINARY, TMPDIR=rest), timeout=120)
    assert outcome.code == program.DONE and "the image's test passed" in outcome.output, str(outcome)
    assert not [left.name for left in rest.iterdir() if left.name.startswith("tmp.")]


def test_the_image_s_test_fails_with_a_binary_that_does(tmp_path):
    script, broken = tmp_path / "test.sh", tmp_path / "broken"
    script.write_text(dict(sections((CLUSTER / "crnn-dist.def").read_text()))["test"])
    broken.write_text(f'#!/bin/sh\n[ "$1" != check-mpi ] || exit 70\nexec {program.BINARY} "$@"\n')
    broken.chmod(0o755)
    outcome = program.finish(program.start_line(
        ["/bin/sh", "-ex", str(script)], CRNN_DIST_TESTED=broken), timeout=60)
    assert outcome.code != program.DONE, str(outcome)


def test_shell_files_are_valid(tmp_path):
    files = sorted(CLUSTER.glob("*.sbatch"))
    assert len(files) >= 4
    # A template's {{ word }} is a word for the shell too.
    for index, (name, text) in enumerate(sections((CLUSTER / "crnn-dist.def").read_text())):
        files.append(tmp_path / f"{index}-{name}.sh")
        files[-1].write_text(text)
    shells = {"bash", *(name for name in ("dash",) if shutil.which(name))}
    for file in files:
        for interpreter in shells if file.suffix == ".sh" else {"bash"}:
            done = subprocess.run([interpreter, "-n", str(file)], text=True, capture_output=True, timeout=20)
            assert done.returncode == 0 and not done.stderr, f"{interpreter} -n {file}: {done.stderr}"


def test_a_definition_s_files_are_there():
    """What the image is built of: everything that the manifest of the package names, and the scripts."""
    lines = re.findall(r"^%files\n((?: .*\n)*)", (CLUSTER / "crnn-dist.def").read_text(), re.MULTILINE)
    sources = [line.split()[0] for line in "".join(lines).splitlines()]
    assert {"Package.swift", "Sources", "Tests", "scripts"} <= set(sources)
    assert all((program.ROOT / source).exists() for source in sources)


# Other files


def test_open_mpi_reads_the_hostfile():
    outcome = program.finish(program.start_line(
        ["mpirun", "--hostfile", str(CLUSTER / "hostfile.example"), "--do-not-launch", "--display-map", "-np", "8", "true"]))
    found = re.findall(r"Data for node: (\S+)\s+Num slots: (\d+).*Num procs: (\d+)", outcome.output + outcome.errors)
    assert found == [("node01", "4", "4"), ("node02", "4", "4")], str(outcome)


def test_reframe_checks_compile(tmp_path):
    py_compile.compile(str(CLUSTER / "reframe_check.py"), cfile=str(tmp_path / "checks.pyc"), doraise=True)


def test_reframe_checks_pass(tmp_path):
    reframe = shutil.which("reframe")
    if reframe is None:
        pytest.skip("no reframe: `pip install ReFrame-HPC` runs cluster/reframe_check.py too")
    outcome = program.finish(program.start_line(
        [reframe, "-c", str(CLUSTER / "reframe_check.py"), "-r", "--exec-policy=serial", "-S", "songs=60"],
        folder=tmp_path, CRNN_DIST=program.BINARY, RFM_PREFIX=tmp_path, TMPDIR=tmp_path), timeout=120)
    assert outcome.code == program.DONE and "Ran 5/5 test case(s)" in outcome.output, str(outcome)
