"""Parts that are held out: what belongs together stays together."""

from __future__ import annotations

from tunekit.data.split import parted

WORDS = [f"{letter}{number}" for letter in "abcdefgh" for number in range(5)]


def test_a_part_is_held_out_whole_groups_at_a_time() -> None:
    learnt, held_out = parted(WORDS, 0.25, group=lambda word: word[0], seed=3)
    assert sorted(learnt + held_out) == sorted(WORDS)
    assert len(held_out) == 10
    assert not {word[0] for word in learnt} & {word[0] for word in held_out}


def test_both_parts_keep_the_order_and_a_seed_gives_them_again() -> None:
    learnt, held_out = parted(WORDS, 0.25, group=lambda word: word, seed=3)
    assert learnt == sorted(learnt)
    assert held_out == sorted(held_out)
    assert (learnt, held_out) == parted(WORDS, 0.25, group=lambda word: word, seed=3)
    assert held_out != parted(WORDS, 0.25, group=lambda word: word, seed=4)[1]


def test_items_of_one_group_are_parted_one_by_one() -> None:
    learnt, held_out = parted(WORDS[:5], 0.2, group=lambda word: word[0], seed=0)
    assert (len(learnt), len(held_out)) == (4, 1)


def test_at_least_one_is_held_out() -> None:
    learnt, held_out = parted(WORDS[:3], 0.1, group=lambda word: word, seed=0)
    assert (len(learnt), len(held_out)) == (2, 1)
