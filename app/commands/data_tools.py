"""`launch.py data`: taking a data set over, looking at one, and having people look at it."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from core.errors import InputError
from core.words import counted

SEED = 0


def add_parsers(actions: Any) -> None:
    """The words of `data` that this file answers."""
    statistics = actions.add_parser("statistics", help="count a data set: captions, motion, masks, tasks, forms")
    statistics.add_argument("out", type=Path, metavar="OUT", help="the data set; statistics.json and statistics.html are written there")
    statistics.add_argument("--json", action="store_true", help="print JSON")
    statistics.set_defaults(run=run_statistics)

    rate = actions.add_parser("rate", help="write a page on which people rate samples, or two programs' results")
    rate.add_argument("folders", nargs="+", type=Path, metavar="FOLDER", help="a data set; or, with --set, the results of two programs")
    rate.add_argument("--set", type=Path, metavar="SET", dest="edit_set", help="the evaluation set that the results are of")
    rate.add_argument("--samples", type=int, default=20, metavar="N", help="samples of a data set that are drawn (20)")
    rate.add_argument("--seed", type=int, default=SEED, metavar="N", help="which samples, and which result is on which side")
    rate.add_argument("--page", type=Path, default=Path("rating.html"), metavar="FILE", help="where the page is written (rating.html)")
    rate.set_defaults(run=run_rate)

    ratings = actions.add_parser("ratings", help="put together what people saved on a rating page, with their agreement")
    ratings.add_argument("files", nargs="+", type=Path, metavar="CSV", help="saved answers, a file for each person")
    ratings.add_argument("--json", action="store_true", help="print JSON")
    ratings.set_defaults(run=run_ratings)

    importing = actions.add_parser("import", help="take a published data set over, such as VIVID-10M")
    importing.add_argument("layout", choices=("vivid-10m",), help="whose layout the folder has")
    importing.add_argument("folder", type=Path, metavar="FOLDER", help="the data set, unpacked")
    importing.add_argument("--out", type=Path, required=True, metavar="DIR", help="where DIR/data is written")
    importing.add_argument("--licence", default="", metavar="TEXT", help="of the clips, kept with each")
    importing.add_argument("--validation", type=float, default=0.02, metavar="SHARE", help="of the clips that is held out (0.02)")
    importing.add_argument("--augment", action="store_true", help="take only masks as tracked, and give them the six forms while training")
    importing.set_defaults(run=run_import)

    edit_set = actions.add_parser("eval-set", help="write a small evaluation set of the example clips and procedural ones")
    edit_set.add_argument("out", type=Path, metavar="SET", help="a folder without one")
    edit_set.add_argument("--samples", type=int, default=4, metavar="N", help="procedural clips (4), each with all three tasks")
    edit_set.add_argument("--frames", type=int, default=49, metavar="N", help="frames of each clip at most (49)")
    edit_set.set_defaults(run=run_edit_set)


def data_folder(out: Path) -> Path:
    """The folder with the index: OUT/data, or OUT itself."""
    return out / "data" if (out / "data").is_dir() else out


def run_statistics(options: argparse.Namespace) -> None:
    """Print the statistics of a data set, and write them into it."""
    from core.dataset.index import DatasetIndex
    from core.dataset.statistics import as_text, statistics_of
    from core.dataset.statistics_page import statistics_page
    from core.files import write_text

    found = statistics_of(DatasetIndex(data_folder(options.out)))
    text = json.dumps(found.as_json(), indent=1) + "\n"
    write_text(options.out / "statistics.json", text)
    write_text(options.out / "statistics.html", statistics_page(found, options.out.resolve().name))
    print(text if options.json else f"{as_text(found)}\n{options.out / 'statistics.html'} shows it")


def run_rate(options: argparse.Namespace) -> None:
    """Write the rating page."""
    from app.commands.console import console_job
    from core.dataset.index import DatasetIndex
    from core.evaluation.edit_set import read_edit_set
    from core.evaluation.rated_items import rated_results, rated_samples
    from core.evaluation.rating_page import rating_page
    from core.evaluation.result_sets import find_programs
    from core.files import write_text

    with console_job() as context:
        if options.edit_set is None:
            if len(options.folders) != 1 or options.samples < 1:
                raise InputError("name one data set to rate and at least one sample; results of two programs need --set SET")
            items = rated_samples(DatasetIndex(data_folder(options.folders[0])), options.samples, options.seed, context)
            title = options.folders[0].resolve().name
        else:
            edits = read_edit_set(options.edit_set)
            programs = find_programs(options.folders, edits)
            if len(programs) != 2:
                named = ", ".join(program.name for program in programs)
                raise InputError(f"two programs are compared, and here are {len(programs)} ({named}): name the folders of two")
            items = rated_results(edits, (programs[0], programs[1]), options.seed, context)
            title = f"two results of each edit of {options.edit_set.resolve().name}"
        write_text(options.page, rating_page(title, items, context))
    print(f"{counted(len(items), 'item')} to rate in {options.page}: open it in a browser, then `data ratings CSV ...`")


def run_ratings(options: argparse.Namespace) -> None:
    """Print what was rated."""
    from core.evaluation.ratings import as_json, as_text, read_ratings

    ratings = read_ratings(options.files)
    print(json.dumps(as_json(ratings), indent=1) if options.json else as_text(ratings))


def run_import(options: argparse.Namespace) -> None:
    """Take a published data set over."""
    from app.commands.console import console_job, note
    from core.curation.vivid10m import import_vivid10m

    if not 0 <= options.validation < 1:
        raise InputError(f"--validation {options.validation}: it has to be a share from 0 to below 1")
    given = {"licence": options.licence, "validation": options.validation, "augment": options.augment}
    with console_job() as context:
        report = import_vivid10m(options.folder, options.out, context, **given)
    for guess, count in report.guesses.items():
        note(f"{counted(count, 'file')}: {guess}")
    if report.aside:
        note(f"{counted(len(report.aside), 'file')} left out; {options.out / 'quarantine' / 'import.jsonl'} says which and why")
    print(f"{counted(report.samples, 'sample')} of {counted(report.clips, 'clip')} in {options.out / 'data'}")


def run_edit_set(options: argparse.Namespace) -> None:
    """Write an evaluation set."""
    from app.commands.console import console_job
    from core.evaluation.edit_set_builder import build_edit_set

    with console_job() as context:
        count = build_edit_set(options.out, context, options.samples, options.frames)
    print(f"{counted(count, 'edit')} in {options.out}: `evaluate edits RESULTS --set {options.out}` scores results")
