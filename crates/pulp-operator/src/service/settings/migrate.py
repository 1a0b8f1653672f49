"""Migrates Pulp's database (`migrate`), or only says what a migration would meet (`look`).

Some migrations refuse to run beside processes of an older release, and fail half way. So it is seen beforehand which of them are
pending, and before anything is migrated it is waited until nobody of an older release is left. What was found stands in the
termination message, as JSON: `versions` of the components in this image, and `gates` that an older process does not pass.
"""

import json
import re
import sys
import time

import django

django.setup()

from django.apps import apps  # noqa: E402
from django.conf import settings  # noqa: E402
from django.core.management import call_command  # noqa: E402
from django.db import OperationalError, connection  # noqa: E402
from django.db.migrations.executor import MigrationExecutor  # noqa: E402
from packaging.version import parse  # noqa: E402
from pulpcore.app.apps import PulpPluginAppConfig  # noqa: E402

# Where releases keep the heartbeats of their processes, and for how many seconds a beat holds.
BEATS = {
    "core_appstatus": "ttl",
    "core_apiappstatus": f"interval '{int(settings.API_APP_TTL)} seconds'",
    "core_contentappstatus": f"interval '{int(settings.CONTENT_APP_TTL)} seconds'",
    "core_worker": f"interval '{int(settings.WORKER_TTL)} seconds'",
}

# How long one try waits for older processes (s); there are others after it.
PATIENCE = 900

# How long one try waits for a server that is not there yet (s); another one tells why, and goes on.
COMING = 30


def reached():
    """Waits for a server that may still be coming up, as one that another operator is about to start; one that refuses us is there."""
    begun = time.monotonic()
    while True:
        try:
            return connection.ensure_connection()
        except OperationalError as error:
            said = str(error)
            refused = "FATAL" in said and "starting up" not in said
            if refused or time.monotonic() - begun > COMING:
                raise
        time.sleep(1)


def newer(executor):
    """Applied migrations with a higher number than any in this image: the database was migrated by a newer release."""

    def number(name):
        found = re.match(r"\d+", name)
        return int(found.group()) if found else 0

    highest = {}
    for app, name in executor.loader.disk_migrations:
        highest[app] = max(highest.get(app, 0), number(name))
    applied = executor.recorder.applied_migrations()
    return sorted(f"{app} {name}" for app, name in applied if app in highest and number(name) > highest[app])


def gates(executor):
    """What pending migrations ask of all processes: component and version."""
    plan = executor.migration_plan(executor.loader.graph.leaf_nodes())
    operations = (operation for migration, _ in plan for operation in migration.operations)
    return {
        (operation.plugin, operation.version)
        for operation in operations
        if type(operation).__name__ == "RequireVersion"
    }


def running():
    """Processes that beat: name and the versions of their components."""
    found = []
    with connection.cursor() as cursor:
        tables = set(connection.introspection.table_names(cursor))
        for table in [table for table in BEATS if table in tables]:
            columns = {column.name for column in connection.introspection.get_table_description(cursor, table)}
            if "versions" not in columns:
                continue
            cursor.execute(
                f"SELECT name, hstore_to_json(versions)::text FROM {table}"
                f" WHERE last_heartbeat > now() - {BEATS[table]}"
            )
            found += [(name, json.loads(versions or "{}")) for name, versions in cursor.fetchall()]
    return found


def behind(wanted):
    """Names of processes that do not pass a gate, and the gates that they do not pass."""
    names, closed = set(), set()
    for name, versions in running():
        for component, version in wanted:
            if component in versions and parse(versions[component]) < parse(version):
                names.add(name)
                closed.add((component, version))
    return sorted(names), sorted(closed)


def tell(closed):
    configs = [config for config in apps.get_app_configs() if isinstance(config, PulpPluginAppConfig)]
    versions = {config.label: config.version for config in configs}
    with open("/dev/termination-log", "w") as answer:
        json.dump({"versions": dict(sorted(versions.items())), "gates": closed}, answer)


def main(what):
    reached()
    executor = MigrationExecutor(connection)
    unknown = newer(executor)
    if unknown:
        sys.exit(
            "the database was migrated by a newer Pulp than this image holds"
            f" ({unknown[-1]} is not known to it); set spec.images.pulp back to the newer one"
        )
    wanted = gates(executor)
    names, closed = behind(wanted)
    if what == "look":
        return tell(closed)
    said, begun = None, time.monotonic()
    while names:
        if time.monotonic() - begun > PATIENCE:
            sys.exit(f"of an older release still run: {', '.join(names)}; a task of theirs may have to end first")
        if names != said:
            print(f"waits for the end of {', '.join(names)}", flush=True)
            said = names
        time.sleep(2)
        names, _ = behind(wanted)
    call_command("migrate", interactive=False, verbosity=1)
    tell([])


main(sys.argv[1])
