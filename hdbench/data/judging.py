"""What follows from a look at the files and at some shapes of a data set."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

from hdbench.data.looking import Looked
from hdbench.data.on_disk import Glance
from hdbench.data.report import Report
from hdbench.loading.wording import plural, some

TENFOLD = 10.0


def judge(report: Report, seen: Glance, part_of: Mapping[str, str]) -> None:
    """File problems and remarks; ``part_of`` {name: train, val or test}, where the data prescribe the split."""
    looked = report.looked
    if looked is None:
        return
    if looked.count and not looked.usable:
        report.problems.append(f"None of the {plural(looked.count, 'shape')} looked at can be used: {_reasons(looked)}.")
    elif looked.lost:
        lost = f"{len(looked.lost)} of the {plural(looked.count, 'shape')} looked at"
        report.remarks.append(f"{lost} cannot be used, and would be left out: {_reasons(looked)}.")
    report.remarks += [*_of_files(seen), *_of_copies(seen, looked, part_of), *_of_sizes(looked)]
    frames = sorted({int(count) for count in looked.figures.get("frames", ())})
    if len(frames) > 1:
        report.problems.append(f"Shapes have different numbers of frames ({frames}), and a run wants one.")


def _of_files(seen: Glance) -> Iterator[str]:
    """Of files that are not what they seem."""
    for names, words in (
        (seen.empty, "Empty files"),
        (seen.pointers, "Files not downloaded (pointers of Git LFS; 'git lfs pull' gets them)"),
        (seen.unreadable, "Files that cannot be read"),
    ):
        if names:
            yield f"{words}: {len(names)} ({some(names, 3)})."


def _of_copies(seen: Glance, looked: Looked, part_of: Mapping[str, str]) -> Iterator[str]:
    """Of shapes that are there twice: in two parts of the split, or under two names."""
    copies = seen.copies + [group for group in looked.copies if not any(set(group) <= set(other) for other in seen.copies)]
    leaks = [group for group in copies if len({part_of[name] for name in group if name in part_of}) > 1]
    if leaks:
        twins = some([_twins(group, part_of) for group in leaks], 2)
        yield f"The split leaks: {plural(len(leaks), 'shape')} in more than one part ({twins})."
    rest = [group for group in copies if group not in leaks]
    if rest:
        surplus = sum(len(group) - 1 for group in rest)
        yield f"Copies under other names: {surplus} ({some([' = '.join(group[:3]) for group in rest], 2)})."


def _twins(group: Sequence[str], part_of: Mapping[str, str]) -> str:
    return " = ".join(
        name if name.startswith(f"{part}/") else f"{name} ({part})" for name in group if (part := part_of.get(name))
    )


def _of_sizes(looked: Looked) -> Iterator[str]:
    sides = looked.figures.get("longest side", [1.0])
    if max(sides) > TENFOLD * min(sides):
        yield "Sizes differ more than tenfold: a run scales each shape to the box."


def _reasons(looked: Looked) -> str:
    """The commonest reasons why shapes cannot be used, each with a shape that has it."""
    names: dict[str, list[str]] = defaultdict(list)
    for name, reason in looked.lost.items():
        names[reason.rpartition("cannot be used: ")[2].rstrip(".")].append(name)
    kinds = sorted(names.items(), key=lambda kind: -len(kind[1]))
    return some([f"{reason} ({plural(len(found), 'shape')}, as {found[0]})" for reason, found in kinds], 4)
