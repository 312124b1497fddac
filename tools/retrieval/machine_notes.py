"""Write the sample data of the quickstart of embedding tuning: repair notes in plain words, and queries in shop talk.

A workshop calls its machines and their faults by words of its own. They are made up, so that no base model knows them.
A query names a machine and a fault; the note on just these two is what it looks for. A part of the notes are asked for
in the test only, so a model has to learn the words rather than the pairs.

Run `python -m tools.retrieval.machine_notes` from the root of the repository; the same rows come out every time.
"""

import json
import random
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import product
from pathlib import Path

FOLDER = Path(__file__).parents[2] / "src/tunekit/quickstart/machine_notes"
_HELD_OUT = 0.25
"""Share of the notes that are asked for in the test only."""

MACHINES = {
    "conveyor belt": "brantle",
    "gearbox": "omper",
    "coolant pump": "vashkin",
    "spindle motor": "torvik",
    "hydraulic press": "grumbet",
    "welding torch": "sizzard",
    "paint oven": "hottlen",
    "label printer": "pippory",
    "air compressor": "whoofen",
    "vacuum gripper": "snurvel",
    "barcode scanner": "blixet",
    "sorting arm": "flinderoo",
    "dust filter": "mufteral",
    "chiller unit": "brizzock",
    "safety gate": "klastry",
    "feed hopper": "gulperon",
    "lifting table": "hoistle",
    "cutting blade": "snickery",
}
"""Machines and what the shop calls them."""

FAULTS = {
    "runs too hot": ("frazzic", "Let it rest for an hour and clean the fins."),
    "leaks oil": ("dribbent", "Change the seal and wipe the floor."),
    "does not start": ("nummered", "Look at the fuse first and then at the switch."),
    "makes a grinding noise": ("krackish", "Grease the bearing and listen again."),
    "stops without warning": ("plunkard", "Read the log of the controller and reset it."),
    "moves too slowly": ("sloamy", "Raise the drive frequency by small steps."),
    "shakes while running": ("judderine", "Tighten the four bolts of the foot."),
    "shows a wrong reading": ("fibbly", "Calibrate the sensor with the test piece."),
    "smells of burning": ("singetty", "Switch the power off and check the cable."),
    "is jammed by scraps": ("clogwise", "Open the cover and take the pieces out with pliers."),
    "loses its pressure": ("wheezal", "Find the hole with soapy water and patch the hose."),
    "drops the workpiece": ("slippard", "Clean the pads and set a firmer grip."),
}
"""Faults with what the shop calls them, and what to do about each."""

_QUESTIONS = (
    "{machine} {fault}",
    "the {machine} is {fault}, what now",
    "{fault} {machine} again",
    "fix for a {fault} {machine}",
    "our {machine} went {fault} this morning",
    "who knows what to do with a {fault} {machine}",
)


@dataclass(frozen=True)
class MachineNotes:
    """The rows of all files."""

    corpus: tuple[Mapping[str, str], ...]
    queries: tuple[Mapping[str, str], ...]
    train: tuple[tuple[str, str], ...]
    """Pairs of query and document that belong together."""
    test: tuple[tuple[str, str], ...]


def machine_notes(seed: int = 11) -> MachineNotes:
    """The sample data."""
    draw = random.Random(seed)
    pairs = list(product(MACHINES, FAULTS))
    draw.shuffle(pairs)
    num_held_out = round(_HELD_OUT * len(pairs))
    corpus, queries = list[Mapping[str, str]](), list[Mapping[str, str]]()
    labels: dict[bool, list[tuple[str, str]]] = {True: [], False: []}
    for number, (machine, fault) in enumerate(pairs, 1):
        note, (word, deed) = f"note-{number:03}", FAULTS[fault]
        title = f"{machine.capitalize()}, station {draw.randint(1, 9)}"
        corpus.append({"_id": note, "title": title, "text": f"The {machine} {fault}. {deed}"})
        for question in draw.sample(_QUESTIONS, 2):
            query = f"query-{len(queries) + 1:03}"
            text = question.format(machine=MACHINES[machine], fault=word)
            queries.append({"_id": query, "text": text})
            labels[number <= num_held_out].append((query, note))
    return MachineNotes(tuple(corpus), tuple(queries), tuple(labels[False]), tuple(labels[True]))


def main() -> None:
    """Write the files."""
    notes = machine_notes()
    (FOLDER / "qrels").mkdir(parents=True, exist_ok=True)
    _write("corpus.jsonl", map(json.dumps, notes.corpus))
    _write("queries.jsonl", map(json.dumps, notes.queries))
    for name, pairs in (("train", notes.train), ("test", notes.test)):
        lines = (f"{query}\t{note}\t1" for query, note in pairs)
        _write(f"qrels/{name}.tsv", ("query-id\tcorpus-id\tscore", *lines))


def _write(name: str, lines: Iterable[str]) -> None:
    (FOLDER / name).write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
