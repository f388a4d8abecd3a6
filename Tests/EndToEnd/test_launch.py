"""Starting and failing under the real mpirun."""

import pytest

import program

WORLDS = [None, 1, 2, 3, 4, 8]


@pytest.mark.parametrize("ranks", WORLDS)
def test_every_collective_gives_the_known_answer(ranks):
    outcome = program.succeed("check-mpi", ranks=ranks)
    assert f"world size    {ranks or 1}\n" in outcome.output
    assert "allreduce of floats" in outcome.output


@pytest.mark.parametrize("agreed", [True, False], ids=["agreed", "alone"])
def test_a_failing_rank_ends_the_job_with_its_cause_and_code(agreed):
    options = ["--agreed"] if agreed else []
    outcome = program.run("check-mpi", "--fail-on-rank", 1, "--exit-code", 65, *options, ranks=3, timeout=60)
    program.refuse(outcome, program.BAD_DATA, "rank 1 on ")


def test_lonely_ranks_of_a_mismatched_srun_are_refused():
    outcome = program.run("check-mpi", SLURM_STEP_ID=0, SLURM_STEP_NUM_TASKS=2, SLURM_PROCID=0)
    program.refuse(outcome, program.USAGE, "srun", "--mpi=pmix")


@pytest.mark.parametrize("ranks", [None, 2])
@pytest.mark.parametrize("line", [["trian"], ["train", "--no-such-option"], ["check-mpi", "--exit-code", "many"]])
def test_wrong_usage_is_told_once(line, ranks):
    program.refuse(program.run(*line, ranks=ranks), program.USAGE)


def commands():
    """The subcommands that the program's own help lists."""
    listed = program.succeed("--help").output.split("SUBCOMMANDS:")[1]
    lines = [line for line in listed.splitlines() if line.startswith("  ") and not line.startswith("   ")]
    return [line.split()[0] for line in lines if not line.strip().startswith("See ")]


def test_every_command_explains_itself_with_an_example():
    names = commands()
    assert "check-mpi" in names
    for name in names:
        assert "Example" in program.succeed(name, "--help").output, f"{name} --help has no example"
