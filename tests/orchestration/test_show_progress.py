"""Progress as a log has it, where no terminal is."""

from operations.progress import Step, report
from orchestration.cli.show_progress import progress


def test_a_log_is_told_when_a_step_begins_and_that_it_is_done(capsys):
    with progress(quiet=False):
        for done in (1, 2, 3):
            report(Step("eu: transform", done, 3, "models"))
        report(Step("publish", 1, 1))
    assert capsys.readouterr().err.splitlines() == ["eu: transform models", "eu: transform models (done)", "publish"]
