"""What is inside an HDF5 file: its datasets by path, each once, whatever links lead to them; and links that break."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field
from typing import Any

import h5py

MOST_OBJECTS = 50_000
"""A file with more is searched no further: opening it must not take minutes."""
_NOT_SEARCHED = ("#refs#", "#subsystem#")
"""Where Matlab keeps its cells: many, and never frames."""
_DATA_FILE = re.compile(r"data_\d{6}")


@dataclass(frozen=True)
class Stack:
    """One of several datasets that are one after the other; None where its file is missing."""

    path: str
    file: str
    dataset: h5py.Dataset | None


@dataclass(frozen=True)
class Group:
    """Datasets ``data_000001 …`` of one group, as Dectris masters link them: one dataset, in order."""

    path: str
    stacks: tuple[Stack, ...]

    @property
    def first(self) -> h5py.Dataset | None:
        return next((stack.dataset for stack in self.stacks if stack.dataset is not None), None)


@dataclass
class Tree:
    """Everything that was found.

    Attributes
    ----------
    datasets : by path
    groups : of stacks, by path
    broken : links that lead nowhere: path, and where they point
    complete : False where the search was given up
    """

    datasets: dict[str, h5py.Dataset] = field(default_factory=dict)
    groups: dict[str, Group] = field(default_factory=dict)
    broken: dict[str, str] = field(default_factory=dict)
    complete: bool = True


def search(file: h5py.File) -> Tree:
    """Every dataset of a file, and of the files it links to; hard links before soft ones, so that paths are real."""
    tree, seen = Tree(), {_key(file)}
    hard: list[tuple[str, h5py.Group]] = [("", file["/"])]
    soft: list[tuple[str, Any]] = []
    while hard:
        path, group = hard.pop()
        names = [name for name in group if name not in _NOT_SEARCHED]
        for name in sorted(names):
            _visit(f"{path}/{name}", group, name, tree, seen, hard, soft)
        _gather_stacks(path, group, names, tree)
        while soft and not hard:
            _take(*soft.pop(0), tree, seen, hard)
        if len(seen) > MOST_OBJECTS:
            tree.complete = False
            break
    return tree


def _visit(
    path: str,
    group: h5py.Group,
    name: str,
    tree: Tree,
    seen: set[Any],
    hard: list[tuple[str, h5py.Group]],
    soft: list[tuple[str, Any]],
) -> None:
    link, item = _follow(group, name)
    if item is None:
        tree.broken[path] = _target(group, link)
    elif isinstance(link, h5py.HardLink):
        _take(path, item, tree, seen, hard)
    else:
        soft.append((path, item))


def _take(path: str, item: Any, tree: Tree, seen: set[Any], groups: list[tuple[str, h5py.Group]]) -> None:
    """Note an object that was not met before."""
    if (key := _key(item)) in seen:
        return
    seen.add(key)
    if isinstance(item, h5py.Dataset):
        tree.datasets[path] = item
    elif isinstance(item, h5py.Group):
        groups.append((path, item))


def _gather_stacks(path: str, group: h5py.Group, names: list[str], tree: Tree) -> None:
    """Make data_000001, data_000002, … of a group one thing, where they are links to files or several."""
    numbered = sorted(name for name in names if _DATA_FILE.fullmatch(name))
    links = [_follow(group, name) for name in numbered]
    if len(numbered) < 2 and not any(isinstance(link, h5py.ExternalLink) for link, _ in links):
        return
    if any(item is not None and getattr(item, "ndim", 0) != 3 for _, item in links):
        return
    stacks = (
        Stack(f"{path}/{name}", _file_of(group, link), item) for name, (link, item) in zip(numbered, links, strict=True)
    )
    tree.groups[path or "/"] = Group(path or "/", tuple(stacks))


def _follow(group: h5py.Group, name: str) -> tuple[Any, Any]:
    """A link, and what it leads to; None where it leads nowhere."""
    link = group.get(name, getlink=True)
    try:
        return link, group[name]
    except (KeyError, OSError, RuntimeError, ValueError):
        return link, None


def _key(item: Any) -> tuple[int, int]:
    info = h5py.h5o.get_info(item.id)
    return info.fileno, info.addr


def _file_of(group: h5py.Group, link: Any) -> str:
    own = str(group.file.filename)
    return os.path.join(os.path.dirname(own), link.filename) if isinstance(link, h5py.ExternalLink) else own


def _target(group: h5py.Group, link: Any) -> str:
    if isinstance(link, h5py.ExternalLink):
        return f"{link.path} in {_file_of(group, link)}"
    return str(link.path) if isinstance(link, h5py.SoftLink) else "an object that cannot be read"
