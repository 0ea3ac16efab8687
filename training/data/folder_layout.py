"""Which file of a folder of images has which label, and is in which part where it was split by hand.

shapes/circle/*.png, shapes/square/*.jpg, ...            labels alone
shapes/train/circle/..., shapes/test/circle/..., ...     parts, each with the labels
"""

import os
import re
import sys
import unicodedata
from collections.abc import Iterable
from pathlib import Path

PARTS = ("train", "validation", "test")
# What people call the parts, in any case.
PART_OF = {
    **dict.fromkeys(("train", "training"), "train"),
    **dict.fromkeys(("validation", "valid", "val", "dev"), "validation"),
    **dict.fromkeys(("test", "testing"), "test"),
}
# Such as training_set and test_set, or seg_train and seg_test: too loose to act on, and no labels either.
LIKE_TRAIN = re.compile(r"(?<![a-z])train(ing)?(?![a-z])|(?<![a-z])train(ing)?(set|data|images)")
LIKE_HELD_OUT = re.compile(
    r"(?<![a-z])(test(ing)?|val|valid(ation)?|dev|eval(uation)?|holdout)(?![a-z])"
    r"|(?<![a-z])(test(ing)?|val|valid(ation)?)(set|data|images)"
)
# What systems and programs leave in folders, without a dot at its beginning.
FOREIGN = frozenset(
    {
        "__macosx", "icon\r", "network trash folder", "temporary items",  # macOS
        "$recycle.bin", "system volume information",  # Windows
        "thumbs.db", "ehthumbs.db", "ehthumbs_vista.db", "desktop.ini",
        "lost+found",  # Linux
        "@eadir", "@tmp", "#recycle", "#snapshot",  # Synology
        "@__thumb", "@recycle", "@recently-snapshot",  # QNAP
        "~snapshot",  # NetApp
        "thumbnails", "_thumbnails", "_thumbs", "zbthumbnail.info",
        "__pycache__",
    }
)  # fmt: skip
LONGEST_LABEL = 200  # characters; the database takes no longer one
# Somebody's labels may be called so: vehicles.
WAY_OUT = "put labels with such names into one folder, train, with all other labels"
NAMED = 5  # of many names, so many are said

Files = list[tuple[str, Path]]


def require_folder(folder: Path, advice: str) -> None:
    """Return if there is such a folder.

    Raises:
        FileNotFoundError: there is none, or it is an archive that is not unpacked, or another file.
    """
    if folder.is_file():
        raise FileNotFoundError(
            f"{folder} is a file and no folder: if it is an archive, unpack it; {advice}."
        )
    if not folder.is_dir():
        raise FileNotFoundError(f"There is no folder {folder}: {advice}.")


def labelled_files(folder: Path) -> dict[str, Files]:
    """Return the label and the path of each file, by part; all are of "train" where nothing is split by hand.

    Raises:
        OSError: a folder cannot be read.
        ValueError: it looks like a split and is none, or a label's name cannot be one.
    """
    found = files_below(folder)
    names = sorted({path.parts[0] for path in found if len(path.parts) > 1})
    named = {name: PART_OF[name.casefold()] for name in names if name.casefold() in PART_OF}
    others = [name for name in names if name not in named]
    # Without train and test it can be no split: dev and prod may be labels.
    if not named or (others and not {"train", "test"} & set(named.values())):
        _require_labels(folder, names, found)
        return {"train": _labelled(folder, found)}
    _require_split(folder, names, named, found)
    below = {
        part: [path.relative_to(name) for path in found if path.parts[0] == name]
        for name, part in named.items()
    }
    _say_loose([path for path in found if len(path.parts) == 1])
    paths = {part: folder / name for name, part in named.items()}
    return {part: _labelled(paths[part], below[part]) for part in PARTS if part in below}


def files_below(folder: Path) -> list[Path]:
    """Return the files below a folder, relative to it, sorted, but for hidden ones and what systems leave."""
    found: list[Path] = []
    left_out: set[str] = set()

    def refuse(error: OSError) -> None:
        raise error

    for place, folders, files in os.walk(folder, onerror=refuse, followlinks=True):
        left_out |= {name for name in folders if name.casefold() in FOREIGN}
        folders[:] = [name for name in folders if not _is_foreign(name) and not _leads_up(place, name)]
        here = Path(place).relative_to(folder)
        found += [here / name for name in files if not _is_foreign(name) and Path(place, name).is_file()]
    if left_out:
        print(
            f"left out, as folders of the system or of thumbnails: {_some(sorted(left_out))}", file=sys.stderr
        )
    return sorted(found)


def _is_foreign(name: str) -> bool:
    folded = name.casefold()
    return name.startswith(".") or folded in FOREIGN or re.fullmatch(r"found\.\d{3}", folded) is not None


def _leads_up(place: str, name: str) -> bool:
    """Say whether a folder is a link to one that it is in, which has no end."""
    path, here = Path(place, name), Path(place)
    # Also one to a folder by whose link this one was reached.
    above = {one.resolve() for one in (here, *here.parents)} | set(here.resolve().parents)
    return path.is_symlink() and path.resolve() in above


def _labelled(folder: Path, found: list[Path]) -> Files:
    """Return the files of a folder that has the labels' folders, with their labels."""
    _say_loose([path for path in found if len(path.parts) == 1])
    inside = [path for path in found if len(path.parts) > 1]
    labels = {name: _label(folder, name) for name in {path.parts[0] for path in inside}}
    return [(labels[path.parts[0]], folder / path) for path in inside]


def _label(folder: Path, name: str) -> str:
    """Return the label that a folder's name is: Unicode has two forms of it, which macOS and others write.

    Raises:
        ValueError: it is not text, or is too long.
    """
    try:
        name.encode("utf-8")
    except UnicodeEncodeError:
        raise ValueError(
            f"The name of the label's folder {os.fsencode(name)!r} in {folder} is not UTF-8: rename it."
        ) from None
    label = unicodedata.normalize("NFC", name)
    if len(label) > LONGEST_LABEL:
        raise ValueError(
            f"The label {label[:20]}... in {folder} has {len(label)} characters, expected at most "
            f"{LONGEST_LABEL}: rename the folder."
        )
    return label


def _require_split(folder: Path, names: list[str], named: dict[str, str], found: list[Path]) -> None:
    """Return if parts, and nothing else, are in the folder, and labels in each part.

    Raises:
        ValueError: it looks like a split and is none.
    """
    others = [name for name in names if name not in named]
    parts = list(named.values())
    flat = [
        name for name in named if not any(path.parts[0] == name and len(path.parts) > 2 for path in found)
    ]
    twice = [name for name, part in named.items() if parts.count(part) > 1]
    if others:
        why = f"besides {_some(list(named))}, it has {_some(others)} ({WAY_OUT})"
    elif twice:
        why = f"{' and '.join(twice)} are the same part"
    elif "train" not in parts:
        why = f"it has {_some(list(named))}, but no train"
    elif flat:
        why = f"the images of {_some(flat)} are not in label folders"
    else:
        return
    raise _no_split(folder, why)


def _require_labels(folder: Path, names: list[str], found: list[Path]) -> None:
    """Return if the folders in the folder may well be labels.

    Raises:
        ValueError: they look like parts, or are split themselves.
    """
    for name in names:
        below = {path.parts[1] for path in found if path.parts[0] == name and len(path.parts) > 2}
        parts = {PART_OF[one.casefold()] for one in below if one.casefold() in PART_OF}
        if len(names) == 1 and (several := _first_with_several(folder, found)) is not None:
            raise ValueError(f"{folder} has only {name}, with folders in it: pass {several} as --data.")
        if "train" in parts and len(parts) > 1:
            raise _no_split(folder, f"{name} is split itself, into {_some(sorted(below))}")
    train = [name for name in names if LIKE_TRAIN.search(name.casefold())]
    held_out = [name for name in names if LIKE_HELD_OUT.search(name.casefold())]
    if train and held_out:
        raise _no_split(folder, f"it has {_some(train)} and {_some(held_out)} ({WAY_OUT})")


def _first_with_several(folder: Path, found: list[Path]) -> Path | None:
    """Return the first folder, down from one that has a single one, that has several, if there is any."""
    names = {path.parts[0] for path in found if len(path.parts) > 1}
    while len(names) == 1:
        name = names.pop()
        folder, found = folder / name, [path.relative_to(name) for path in found if path.parts[0] == name]
        names = {path.parts[0] for path in found if len(path.parts) > 1}
    return folder if names else None


def _no_split(folder: Path, why: str) -> ValueError:
    return ValueError(
        f"{folder} looks like a split, but is not one: {why}. Expected train, test and optionally "
        "validation, each with a folder for each label, or only folders for the labels."
    )


def say_alike(labels: Iterable[str]) -> None:
    """Say which labels may well be one: merged folders have Cat and cat, or 1 and 01. EMNIST has A and a."""
    alike: dict[str, list[str]] = {}
    for label in sorted(labels):
        plain = str(int(label)) if re.fullmatch("[0-9]{1,9}", label) else "".join(label.casefold().split())
        alike.setdefault(plain, []).append(label)
    for several in (some for some in alike.values() if len(some) > 1):
        names = " and ".join(map(repr, several))
        print(f"{names} are taken for different labels: if they are one, merge the folders", file=sys.stderr)


def _say_loose(loose: list[Path]) -> None:
    if loose:
        names = _some([str(path) for path in loose])
        print(f"left out {len(loose)} files outside the labels' folders: {names}", file=sys.stderr)


def _some(names: list[str]) -> str:
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return ", ".join(names[:NAMED]) + more
