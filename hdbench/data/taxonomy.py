"""ShapeNet's categories: synset ids (WordNet 3.0 offsets of nouns, eight digits) and their English names.

The 55 of ShapeNetCore v2, and the two that v1 has besides (boat, bicycle). The first name is the usual one.
Source: the taxonomy of ShapeNetCore; Chang et al. 2015 (arXiv 1512.03012).
"""

from __future__ import annotations

from pathlib import Path

from hdbench.errors import HdbenchError, unknown

_TABLE = """
02691156 airplane, aeroplane, plane
02747177 ashcan, trash bin, trash can, garbage can, bin
02773838 bag
02801938 basket
02808440 bathtub, bath
02818832 bed
02828884 bench
02834778 bicycle, bike
02843684 birdhouse
02858304 boat
02871439 bookshelf
02876657 bottle
02880940 bowl
02924116 bus
02933112 cabinet
02942699 camera
02946921 can, tin can
02954340 cap
02958343 car, auto, automobile
02992529 cellphone, cellular telephone, mobile phone
03001627 chair
03046257 clock
03085013 keyboard, computer keyboard
03207941 dishwasher
03211117 display, monitor
03261776 earphone, headphone
03325088 faucet
03337140 file, file cabinet
03467517 guitar
03513137 helmet
03593526 jar
03624134 knife
03636649 lamp
03642806 laptop
03691459 loudspeaker, speaker
03710193 mailbox
03759954 microphone
03761084 microwave
03790512 motorcycle, motorbike
03797390 mug
03928116 piano
03938244 pillow
03948459 pistol
03991062 pot, flowerpot
04004475 printer
04074963 remote control, remote
04090263 rifle
04099429 rocket
04225987 skateboard
04256520 sofa, couch
04330267 stove
04379243 table
04401088 telephone, phone
04460130 tower
04468005 train
04530566 watercraft, vessel, ship
04554684 washer, washing machine
"""
CATEGORIES: dict[str, tuple[str, ...]] = {
    line[:8]: tuple(name.strip() for name in line[9:].split(",")) for line in _TABLE.strip().splitlines()
}
ONLY_V1 = ("02834778", "02858304")


def synset_of(name: str) -> str | None:
    """The synset id that a word means: an id itself, or a name in any case, with ``_`` or ``-`` for blanks; else None."""
    word = name.strip().lower().replace("_", " ").replace("-", " ")
    if word in CATEGORIES:
        return word
    return next((synset for synset, names in CATEGORIES.items() if word in names), None)


def title_of(synset: str) -> str:
    """Such as ``airplane (02691156)``; the word itself when it is no known synset."""
    return f"{CATEGORIES[synset][0]} ({synset})" if synset in CATEGORIES else synset


def category_of(path: str, otherwise: str) -> str:
    """The usual name of the category that a path ends in, such as ``airplane``; ``otherwise`` where it ends in none."""
    synset = synset_of(Path(path).name) if path else None
    return CATEGORIES[synset][0] if synset else otherwise


def category_folder(path: Path) -> Path:
    """The folder that a path means whose last part may be the English name of a category: ``ROOT/airplane`` -> ``ROOT/02691156``.

    A path that exists is taken as it is. Raises HdbenchError, with the categories that are there, when neither exists.
    """
    if path.exists() or not path.parent.is_dir():
        return path
    synset = synset_of(path.name)
    folder = path.parent / (synset or path.name)
    if folder.is_dir():
        return folder
    there = sorted(entry.name for entry in path.parent.iterdir() if entry.name in CATEGORIES)
    if not there:
        return path
    words = [name for id_ in there for name in (id_, CATEGORIES[id_][0])]
    raise unknown(f"category in '{path.parent}'", path.name, words, "A category is a folder named by its synset id.")


def known_category(name: str, there: list[str], where: str) -> str:
    """The one of ``there`` (names of groups) that a word means. HdbenchError with those that are there when none is."""
    synset = synset_of(name)
    found = next((entry for entry in there if entry in (name, synset)), None)
    if found is None:
        words = [word for entry in there for word in (entry, *CATEGORIES.get(entry, ())[:1])]
        raise unknown(f"category in '{where}'", name, words)
    return found


def several_categories(where: str, there: list[str], example: str) -> HdbenchError:
    """The error for data of several categories of which one must be named."""
    titles = ", ".join(title_of(entry) for entry in there[:8]) + (f" and {len(there) - 8} more" if len(there) > 8 else "")
    return HdbenchError(f"'{where}' holds several categories: {titles}. Name one, such as {example}.")
