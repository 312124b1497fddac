"""The fixture `tunekit_vertex`, in a run of pytest of its own."""

from __future__ import annotations

import pytest

pytest_plugins = ["pytester"]


def test_the_fixture_gives_a_running_emulator_and_checks_its_faults(
    pytester: pytest.Pytester,
) -> None:
    pytester.makepyfile(
        """
        from urllib.request import urlopen
        from tunekit.testing import VertexFault

        def test_it_answers(tunekit_vertex):
            url = f"{tunekit_vertex.storage_url}/storage/v1/b/{tunekit_vertex.bucket}"
            assert urlopen(url).status == 200

        def test_it_minds_faults_that_did_not_happen(tunekit_vertex):
            tunekit_vertex.fail_next(VertexFault(kind="reset"))
        """
    )
    run = pytester.runpytest_subprocess("-p", "no:cacheprovider")
    run.assert_outcomes(passed=2, errors=1)
    run.stdout.fnmatch_lines(["*1 planned fault did not happen as often as planned*"])
