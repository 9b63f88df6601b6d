"""`Descent`: epoch after epoch, by scikit-learn's rules of rates and of when to stop."""

import time
import warnings
from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np

from fastxor.common.checks import Array
from fastxor.common.progress import progress_bar
from fastxor.runs.problem import Problem, State
from fastxor.runs.run import Diverged
from fastxor.sklearn.translation import loss_factor
from fastxor.training.job import Job, engine_type

Score: TypeAlias = Callable[[Array], float]  # of parameters (size,), by samples left out
LEG = 1000  # epochs that are planned ahead, at most
AHEAD = 1e-3  # seconds that may turn out to be in vain, as training ends before
LEAST_RATE = 1e-6  # is not made smaller
NOT_FINITE = (
    "Solver produced non-finite parameter weights. The input data may contain large values and "
    "need to be preprocessed"
)


class Descent:
    """The training of one fit.

    The model has what goes on from fit to fit: beside scikit-learn's attributes the learning rate
    of its next epoch ``_rate``, what its optimizer carries ``_carried``, and
    ``_no_improvement_count``.
    """

    def __init__(self, model: Any, problem: Problem, score: Score | None) -> None:
        """``score``: what is to get better, rather than the loss."""
        self.model, self.problem, self.score = model, problem, score
        self.best = problem.start.parameters  # those of the best score so far
        self.job: Job | None = None  # for some of the epochs, of which so many are accounted for
        self.accounted, self.seconds = 0, 1.0  # for an epoch, a guess
        self.per_loss = loss_factor(problem.settings.loss, problem.architecture)

    def train(self, epochs: int) -> bool:
        """Train for at most so many epochs; did it end before for lack of progress?

        Ctrl-C is a warning, and an end. Raises ValueError where training leaves the finite numbers;
        the model is then the last that was finite.
        """
        try:
            bar = progress_bar(epochs, bool(self.model.verbose))
            with bar as report, engine_type()(self.problem) as engine:
                return self.train_by(engine, epochs, report)
        except KeyboardInterrupt:
            self._account()
            warnings.warn("Training interrupted by user.", stacklevel=6)
            return True
        except Diverged as error:
            raise ValueError(f"{NOT_FINITE}.") from error

    def train_by(self, engine: Any, epochs: int, report: Callable[[float], None]) -> bool:
        """Likewise by this engine, but raises `Diverged`, and KeyboardInterrupt."""
        self.model.n_iter_ = 0
        try:
            while self.model.n_iter_ < epochs:
                if self._train_leg(engine, epochs - self.model.n_iter_, report):
                    return True
        except Diverged:
            self._account()
            raise
        return False

    def _train_leg(self, engine: Any, epochs: int, report: Callable[[float], None]) -> bool:
        """Likewise for as many of these epochs as have rates that are known beforehand."""
        before = self.model.n_iter_
        problem = self._of_rates(min(epochs, LEG))
        self.job, self.accounted = job, _ = Job(problem), 0
        engine.begin(problem, job.records)
        while (done := job.good[0]) < problem.settings.epochs:
            end = min(done + self._ahead, problem.settings.epochs)
            self._train_to(end, engine, job, lambda now: report(before + now))
            if self._enough:
                if not self._slower():
                    return True
                break
        self.problem = problem._replace(start=job.good[1])
        return False

    def _of_rates(self, epochs: int) -> Problem:
        """The problem of the next epochs."""
        model, settings, schedule = self.model, self.problem.settings, None
        rate = model._rate
        if model.solver == "sgd" and model.learning_rate == "invscaling":
            samples = model.t_ + len(self.problem.X) * np.arange(1, epochs)
            schedule, rate = (rate, *self._scaled(samples).tolist()), 1.0
        settings = settings.changed(epochs=epochs, learning_rate=rate, schedule=schedule)
        return self.problem._replace(settings=settings)

    def _scaled(self, samples: Any) -> Any:
        """The rate after so many samples."""
        return self.model.learning_rate_init / (np.float64(samples) + 1) ** self.model.power_t

    @property
    def _ahead(self) -> int:
        """For so many epochs the losses can wait to be looked at."""
        if self.score:
            return 1
        certain = self.model.n_iter_no_change + 1 - self.model._no_improvement_count
        return int(min(max(1, certain, AHEAD / self.seconds), LEG))

    def _train_to(
        self, end: int, engine: Any, job: Job, report: Callable[[float], None]
    ) -> None:  # fmt: skip
        """Train until that epoch of the job, or to the one before at which there is no progress."""
        before, failure, began = job.good, None, time.perf_counter()
        try:
            job.train_to(engine, end, report)
        except Diverged as error:
            failure = error
        self.seconds = max(time.perf_counter() - began, 1e-9) / (end - before[0])
        if self.score is None:
            epochs, *_ = self._followed(self._losses(job))
            if epochs < job.good[0] - before[0]:
                job.good, failure = before, None
                engine.restart(*before)
                job.train_to(engine, before[0] + epochs, report)
        self._account()
        if failure is not None and not self._enough:
            raise failure

    @property
    def _enough(self) -> bool:
        """Has there been no progress for too long?"""
        return bool(self.model._no_improvement_count > self.model.n_iter_no_change)

    def _slower(self) -> bool:
        """Go on with a fifth of the rate, if that is wanted and not too little."""
        model = self.model
        if model.solver != "sgd" or model.learning_rate != "adaptive" or model._rate <= LEAST_RATE:
            return False
        model._rate /= 5
        model._no_improvement_count = 0
        return True

    def _account(self) -> None:
        """Tell the model of the epochs that its job has done since."""
        model, job = self.model, self.job
        if job is None:
            return
        losses, (done, state, _) = self._losses(job), job.good
        if not losses:
            return
        score = self.score(state.parameters) if self.score else None
        self.accounted = done
        model.n_iter_ += len(losses)
        model.t_ += len(losses) * len(self.problem.X)
        model.loss_ = losses[-1]
        model.loss_curve_ += losses
        if score is None:
            _, model.best_loss_, model._no_improvement_count = self._followed(losses)
        else:
            self._look_at_score(score, state.parameters)
        if model.solver == "sgd" and model.learning_rate == "invscaling":
            model._rate = float(self._scaled(model.t_))
        self._keep(state)

    def _losses(self, job: Job) -> list[float]:
        """Those that the model has not been told, as it is to be."""
        own = slice(self.accounted, job.good[0])
        losses = job.records.losses[own] * self.per_loss
        if job.records.penalties.size:  # which are doubled
            losses += 0.5 / len(self.problem.X) * job.records.penalties[own]
        return list(losses.tolist())

    def _followed(self, losses: list[float]) -> tuple[int, float, int]:
        """After how many of these losses there is no progress, or all; the best, and the count."""
        model, epochs = self.model, 0
        best, count, tolerance = model.best_loss_, model._no_improvement_count, model.tol
        for epochs, loss in enumerate(losses, 1):  # noqa: B007
            count = count + 1 if loss > best - tolerance else 0
            best = min(best, loss)
            if count > model.n_iter_no_change:
                break
        return epochs, best, count

    def _look_at_score(self, score: float, parameters: Array) -> None:
        model = self.model
        model.validation_scores_.append(score)
        worse = score < model.best_validation_score_ + model.tol
        model._no_improvement_count = model._no_improvement_count + 1 if worse else 0
        if score > model.best_validation_score_:
            model.best_validation_score_, self.best = score, parameters

    def _keep(self, state: State) -> None:
        kind = self.problem.settings.carries
        self.model._carried = (kind, state.carried) if kind else None
        parameters = state.parameters if self.score is None else self.best
        self.model._take(self.problem.architecture, parameters)
