"""A production install has requirements.txt only: every module loads there, and the release process runs."""

from __future__ import annotations

import os

import pytest

from adapters.bootstrap import Application
from adapters.operations.supervisor import PROJECT, read_procfile
from adapters.postgres import schema
from oppsync.kernel.settings import Settings
from tests.harness.production import PACKAGES, absent_modules, run_as_in_production

IMPORT_ALL = """
import importlib, pkgutil
for package in sys.argv[1:]:
    for module in pkgutil.walk_packages(importlib.import_module(package).__path__, package + "."):
        if module.name != "migrations.env":  # Alembic runs that one
            importlib.import_module(module.name)
            print(module.name)
"""
RUN_MODULE = """
import runpy
runpy.run_module(sys.argv.pop(1), run_name="__main__", alter_sys=True)
"""


@pytest.fixture
def platform(settings: Settings) -> dict[str, str]:
    """The variables that a platform sets."""
    return {
        "PATH": os.environ["PATH"],
        "DATABASE_URL": settings.database_url.get_secret_value(),
        "REDIS_URL": settings.redis_url.get_secret_value(),
        "OPPSYNC_SECRET_KEYS": settings.secret_keys.get_secret_value(),
    }


def test_every_production_module_loads(platform: dict[str, str]) -> None:
    done = run_as_in_production(IMPORT_ALL, *PACKAGES, env=platform)
    assert done.returncode == 0, done.stderr
    loaded = done.stdout.split()
    assert {"web.wsgi", "actors.worker", "actors.relay", "adapters.cli.__main__"} <= set(loaded)


def test_the_release_process_makes_the_schema(platform: dict[str, str], application: Application) -> None:
    with application.engine.begin() as connection:
        for name in ("public", "reporting"):
            connection.exec_driver_sql(f"drop schema {name} cascade")
        connection.exec_driver_sql("create schema public")
    python, dash_m, *release = read_procfile((PROJECT / "Procfile").read_text())["release"].split()
    assert (python, dash_m) == ("python", "-m")

    done = run_as_in_production(RUN_MODULE, *release, env=platform)

    assert done.stdout == f"The schema went from empty to {schema.head()}.\n", done.stderr


@pytest.mark.parametrize("module", ["httpx2", "rich", "trytond", "pytest", "sandbox"])
def test_what_only_the_sandbox_and_the_tests_install_is_not_there(
    module: str, platform: dict[str, str]
) -> None:
    assert module in absent_modules()
    done = run_as_in_production(f"import {module}", env=platform)
    assert f"No module named '{module}' in production" in done.stderr
