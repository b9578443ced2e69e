"""One actor for each row of the pipeline's table, each on its stage's queue. Nothing else lives here."""

from __future__ import annotations

from collections.abc import Mapping
from uuid import UUID

import dramatiq
from dramatiq.brokers.redis import RedisBroker

from adapters.bootstrap import Application
from adapters.runtime.logs import log
from oppsync.kernel.errors import NewerRelease, StoreUnavailable
from oppsync.pipeline.table import PIPELINE, Stage
from oppsync.services.work.commands import RunStage


def declare_actors(broker: RedisBroker, application: Application) -> Mapping[str, dramatiq.Actor[[str], None]]:
    """Stage name -> actor. A message holds the opportunity's id and nothing else."""
    return {stage.name: _actor(broker, application, stage) for stage in PIPELINE}


def _actor(broker: RedisBroker, application: Application, stage: Stage) -> dramatiq.Actor[[str], None]:
    def work(opportunity_id: str) -> None:
        try:
            application.dispatch(RunStage(UUID(opportunity_id), stage.name))
        except StoreUnavailable as error:
            # The row is still due in Postgres, so the sweeper sends it again.
            log.warning(
                "store_unavailable", stage=stage.name, opportunity_id=opportunity_id, reason=error.message
            )
        except NewerRelease as error:
            # The deal was not touched and stays due for a worker of the newer release.
            log.warning("newer_release", stage=stage.name, opportunity_id=opportunity_id, reason=error.message)

    return dramatiq.Actor(
        work,
        broker=broker,
        actor_name=f"stage.{stage.name}",
        queue_name=stage.queue,
        priority=0,
        options={"max_retries": 0},
    )
