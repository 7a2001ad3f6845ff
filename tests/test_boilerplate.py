"""Adverts and notices are kept out; an episode about newsletters is not."""

from __future__ import annotations

from edge.records import Segment, Transcript
from edge.transcript.boilerplate import find_boilerplate
from edge.transcript.sentences import rebuild_sentences

TALK = [f"We measured run number {k} and wrote the result down for later." for k in range(40)]
MORE = [f"Her team built {k} bridges over a river that nobody could cross." for k in range(40)]


def kept_out(lines: list[str]) -> list[str]:
    sentences = rebuild_sentences(Transcript(tuple(Segment(line) for line in lines), "text"))
    reasons = find_boilerplate(sentences)
    return [s.text for s, reason in zip(sentences, reasons, strict=True) if reason == "advert"]


def test_what_a_show_says_of_itself_is_kept_out_only_at_its_ends() -> None:
    notice = "Our newsletter has all of it, so check it out."
    other = "The newsletter of the institute had a contest last year."
    assert kept_out([notice, *TALK, other, "It was fun to check it out.", *MORE]) == [notice]
    assert kept_out([*TALK, other, *MORE, notice]) == [notice]


def test_an_advert_takes_the_notices_beside_it_along() -> None:
    advert = [
        "This part is brought to you by a company that makes pumps.",
        "Their pumps are quiet.",
        "You can find them at pumps.com slash podcast.",
    ]
    assert kept_out([*TALK, *advert, *MORE]) == advert
    assert kept_out([*TALK, advert[2], *MORE]) == []


def test_an_announced_break_ends_where_the_episode_is_back() -> None:
    first = "Let's take a quick moment to tell you about our workshop."
    last = "And now back to the interview."
    inner = [f"The workshop has a day number {k} that you will like." for k in range(12)]
    assert kept_out([*TALK, first, *inner, last, *MORE]) == [first, *inner, last]
    assert kept_out([*TALK, first, *inner, *MORE]) == [first]  # nobody says where it ends
