"""`launch.py data`: from videos to a data set."""

from __future__ import annotations

import argparse
from pathlib import Path

from app.commands import data_tools
from app.settings import Settings
from core.errors import InputError
from core.words import counted


def add_parser(data: argparse.ArgumentParser) -> None:
    """The words of `data`."""
    actions = data.add_subparsers(metavar="ACTION", required=True)
    build = actions.add_parser("build", help="make a data set of the videos in folders, or of clips that are drawn")
    build.add_argument("sources", nargs="+", metavar="SOURCE", help="a folder of videos, or procedural:200 for clips that are drawn")
    build.add_argument("--out", required=True, type=Path, metavar="DIR", help="where DIR/data is written; what is there is gone on with")
    _add_settings(build)
    build.add_argument("--stages", default="", metavar="A,B", help="stop after the last of these stages")
    build.set_defaults(run=run_build)
    data_tools.add_parsers(actions)


def run_build(options: argparse.Namespace) -> int:
    """Build a data set, or go on with one that was begun; 1 when shards failed."""
    from app.commands.console import console_job, note
    from core.curation.build import Build
    from core.curation.executors import LocalExecutor
    from core.curation.settings import CurationSettings
    from core.curation.sources import list_sources
    from core.training.common.overrides import with_overrides

    settings = with_overrides(CurationSettings(), options.settings)
    items = list_sources(options.sources, settings.licence)
    stages = [name.strip() for name in options.stages.split(",") if name.strip()]
    with console_job() as context:
        executor = LocalExecutor(Settings.from_environment().models_root)
        report = Build(options.out, items, settings).run(executor, context, stages)
    if report.aside:
        note(f"{counted(report.aside, 'input')} set aside; {options.out / 'quarantine'} says why")
    for reason in report.failed:
        note(f"failed: {reason}")
    if not stages:
        if not report.samples and not report.failed:
            where = f"*.dropped.jsonl in {options.out / 'stages'} say what each filter measured"
            raise InputError(f"no sample is left of {counted(len(items), 'source')}: {where}")
        print(f"{counted(report.samples, 'sample')} in {options.out / 'data'}")
    return 1 if report.failed else 0


def _add_settings(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--set", dest="settings", nargs="+", action="extend", default=[], metavar="KEY=VALUE", help="settings (see docs/dataset.md)"
    )
