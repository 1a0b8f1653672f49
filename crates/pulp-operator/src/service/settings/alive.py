"""Whether this pod's worker beats. `known`: it must be known to be beating. `silent`: it must not be known to have stopped; a
database that does not answer says nothing about the worker."""

import ast
import os
import socket
import sys

import psycopg

strict = sys.argv[1] == "known"
with open(os.environ["PULP_SETTINGS"]) as file:
    lines = ast.parse(file.read()).body
# Read, not run: what stands at its end takes a second.
at = next(ast.literal_eval(line.value) for line in lines if ast.unparse(line).startswith("DATABASES = "))["default"]
BEATS = """
    SELECT count(*) FROM {table}
    WHERE name LIKE %s AND last_heartbeat > now() - interval '60 seconds'
"""

try:
    # The probe has less time than the worker.
    options = {**at["OPTIONS"], "connect_timeout": 8}
    connection = psycopg.connect(
        host=at["HOST"], port=at["PORT"], dbname=at["NAME"], user=at["USER"], password=at["PASSWORD"], **options
    )
    with connection:
        # Older releases keep workers in a table of their own.
        tables = connection.execute(
            "SELECT relname FROM pg_class WHERE relname IN ('core_appstatus', 'core_worker') AND relkind = 'r' ORDER BY 1"
        ).fetchall()
        name = f"%@{socket.gethostname()}"
        beating = any(connection.execute(BEATS.format(table=table), [name]).fetchone()[0] for (table,) in tables)
except psycopg.OperationalError as error:
    print(f"the database does not answer: {error}", file=sys.stderr)
    sys.exit(strict)
if not beating:
    print(f"no worker of {socket.gethostname()} has beaten for 60 s", file=sys.stderr)
sys.exit(not beating)
