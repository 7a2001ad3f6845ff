"""Quality beside cost: what is compared with what, and that each system has its place."""

from __future__ import annotations

from typing import Any

import pytest

from benchmarks.quality.against_cost import print_table
from benchmarks.quality.meeting_scores import comparable_means

SCORES = {
    "ours": {
        "ROUGE-1": {"a": 30.0, "b": 40.0, "c": 20.0},
        "topic words": {"a": 50.0, "b": 30.0, "c": 40.0},
    },
    "writer": {"ROUGE-1": {"b": 38.0}},
    "lead": {"ROUGE-1": {"a": 10.0, "b": 20.0, "c": 30.0}},
    "words": {"topic words": {"a": 10.0, "b": 20.0, "c": 30.0}},
}
SPREAD = {"median": 2.0, "min": 1.0, "max": 30.0}
COSTS: dict[str, dict[str, Any]] = {
    name: {"wall_s": SPREAD, "peak_mb": SPREAD, "energy_j": None, "n": 3} for name in SCORES
}


def test_a_system_is_compared_on_the_documents_it_was_given() -> None:
    found = comparable_means(SCORES, "ours")
    assert found["ours"] == {"ROUGE-1": 30.0, "topic words": 40.0}
    assert found["lead"] == {"ROUGE-1": 20.0}
    # Its one document is an easy one: two below ours there, not eight above our mean.
    assert found["writer"] == {"ROUGE-1": 28.0}


def test_the_table_tells_of_fewer_documents_and_of_energy(
    capsys: pytest.CaptureFixture[str],
) -> None:
    print_table(SCORES, {**COSTS, "lead": {**COSTS["lead"], "energy_j": SPREAD}}, "ours")
    rows = {line.split(" | ")[0]: line for line in capsys.readouterr().out.splitlines()}
    assert rows["| ours"] == "| ours | 30.0 | 40.0 | 2.00 (1.00 - 30.00) | 2 | - |"
    assert "38.0 (n=1), +2.0 (" in rows["| writer"] and rows["| lead"].endswith("| 2.0 J |")
    assert "| words | - | 20.0, +20.0 (" in rows["| words"]


def test_every_system_is_in_the_chart_of_what_it_was_scored_on() -> None:
    from benchmarks.report.charts import pareto

    quality = comparable_means(SCORES, "ours")
    systems = {
        name: {**COSTS[name], "quality": quality[name], "is_model": name == "ours"}
        for name in SCORES
    }
    summaries, phrases = pareto({"systems": systems}).axes
    assert {name for text in summaries.texts for name in text.get_text().split()} == {
        "ours",
        "writer",
        "lead",
    }
    assert {name for text in phrases.texts for name in text.get_text().split()} == {"ours", "words"}
