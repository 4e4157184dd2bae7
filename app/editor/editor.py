"""The editor: everything that a page, the command line or a script can ask for, built from its
parts in one place.
"""

from __future__ import annotations

import threading

from app.contract.operations import RESUMABLE
from app.editor.clip import ClipOperations
from app.editor.estimates import EstimateOperations
from app.editor.exchange import ExchangeOperations
from app.editor.exports import ExportOperations
from app.editor.history import HistoryOperations
from app.editor.inserts import InsertOperations
from app.editor.jobs import JobOperations
from app.editor.keyframes import KeyframeOperations
from app.editor.masks import MaskOperations
from app.editor.models import ModelOperations
from app.editor.objects import ObjectOperations
from app.editor.projects import ProjectOperations
from app.editor.prompts import PromptOperations
from app.editor.propagation import PropagationOperations
from app.editor.region import RegionOperations
from app.editor.results import ResultOperations
from app.editor.shapes import ShapeOperations
from app.editor.text_search import TextSearchOperations
from app.editor.tracking import TrackingOperations
from app.engine import Engine, Workers
from app.jobs.clip_scan import ClipScanner
from app.jobs.estimates import Estimates
from app.jobs.exports import ExportJobs
from app.jobs.forecast import Forecaster
from app.jobs.inserts import InsertBuilder
from app.jobs.journal import JobJournal
from app.jobs.keyframes import KeyframeJobs
from app.jobs.propagation import PropagationJobs
from app.jobs.queue import JobQueue
from app.jobs.region import RegionBuilder
from app.jobs.runner import JobRunner
from app.jobs.timeline import ObjectTimelines
from app.jobs.tracking import TrackingJob
from app.jobs.trial import TrialJobs
from app.media.frames import ClipFrames
from app.media.keyframe_exchange import KeyframeExchange
from app.media.pictures import Pictures
from app.settings import Settings
from app.storage.masks import MaskStore
from app.storage.scene_cuts import SceneCuts
from app.storage.usage import WorkspaceUsage
from app.storage.workspace import Workspace


class Editor:
    """One per program. Safe to call from several threads.

    Its parts are the operations by subject: `editor.objects.add(...)`. Ids go in, values of the
    document come out. A change is on disk before its operation returns. Long work returns the id of
    a job at once, and what the job finds out is saved as soon as it has it.
    """

    def __init__(self, settings: Settings, workers: Workers | None = None) -> None:
        # What everything stands on: models, projects on disk, jobs.
        self.engine = engine = Engine(settings, workers)
        self.runner = runner = JobRunner()
        self.workspace = workspace = Workspace(settings.workspace, runner.is_busy)
        self.journal = journal = JobJournal(workspace)
        runner.on_end = journal.job_ended

        # What is seen of a project.
        cuts = SceneCuts(workspace)
        masks = MaskStore(workspace, cuts)
        frames = ClipFrames(workspace, masks)
        self.pictures = pictures = Pictures(workspace, engine, frames, masks)
        exchange = KeyframeExchange(workspace, pictures)

        # What jobs do.
        estimates = Estimates(settings.workspace / "timings.json", settings.memory, settings.speed)
        forecaster = Forecaster(engine, pictures, estimates)
        queue = JobQueue(runner, journal, engine, estimates)
        self.scanner = scanner = ClipScanner(workspace, frames, cuts)
        regions = RegionBuilder(workspace, frames, masks)
        tracking = TrackingJob(workspace, pictures)
        tries = KeyframeJobs(workspace, engine, pictures, regions)
        inserts = InsertBuilder(workspace, frames, masks)
        propagations = PropagationJobs(workspace, engine, pictures, regions, inserts, estimates, forecaster)
        exports = ExportJobs(workspace, frames, masks, inserts)
        trials = TrialJobs(workspace, engine, pictures, estimates)

        # What can be asked for. The table in app.contract.operations has the public names.
        session_lock = threading.Lock()
        self.storage = WorkspaceUsage(workspace)
        self.projects = ProjectOperations(workspace, frames, runner)
        self.clip = ClipOperations(workspace, frames, cuts, scanner)
        self.estimates = EstimateOperations(workspace, engine, queue, estimates, forecaster, trials)
        self.objects = ObjectOperations(workspace, masks)
        self.prompts = PromptOperations(workspace, pictures, session_lock)
        self.shapes = ShapeOperations(workspace, masks)
        self.text_search = TextSearchOperations(workspace, engine, pictures, queue, session_lock)
        self.tracking = TrackingOperations(workspace, engine, masks, queue, tracking, ObjectTimelines(masks))
        self.masks = MaskOperations(workspace, pictures, queue, exports)
        self.region = RegionOperations(workspace, engine, frames, masks)
        self.keyframes = KeyframeOperations(workspace, engine, queue, tries, exchange)
        self.exchange = ExchangeOperations(workspace, regions, exchange)
        self.inserts = InsertOperations(workspace, queue, inserts)
        self.propagation = PropagationOperations(workspace, frames, queue, scanner, propagations)
        self.results = ResultOperations(workspace, pictures)
        self.exports = ExportOperations(workspace, queue, scanner, exports)
        self.models = ModelOperations(workspace, engine, pictures, queue)
        self.history = HistoryOperations(workspace)
        resumable = {name: operation.of(self) for name, operation in RESUMABLE.items()}
        self.jobs = JobOperations(workspace, runner, journal, self.keyframes, resumable)

    @property
    def settings(self) -> Settings:
        """The settings as they are now: a segmenter that was chosen in the editor is among them."""
        return self.engine.settings

    def close(self) -> None:
        """Stop jobs and let go of open files."""
        self.scanner.stop()
        self.runner.shut_down()
        self.pictures.close()
