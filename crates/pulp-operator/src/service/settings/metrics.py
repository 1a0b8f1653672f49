"""Tells what the database knows of tasks and processes: `/metrics` to Prometheus, `/demand?seconds=N` to the operator.

It needs no Django, only the database, and asks it when it is asked itself. What it says of now and of the last N seconds does not
depend on how long it has run.
"""

import http.client
import json
import os
import pathlib
import re
import signal
import socket
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

import psycopg

PORT = 24818
# Who asks again within this time (s) gets the same answer.
FRESH = 5
# The same for what changes slowly.
SLOW = 60
# How long one query may take (ms); those below take some milliseconds each, whatever the size of the tables.
LIMIT = 2000
# So many of the newest tasks are looked through for those that have ended: no index knows when a task did.
NEWEST = 10_000
# So many unfinished tasks are looked through for those that could run; nobody has that many workers.
OLDEST = 5_000

# A folder with what libpq needs to know, each under its name.
DATABASE = pathlib.Path("/etc/pulp/database")
# Host of the API if artifacts are on a volume, whose size it knows.
API = os.environ.get("API")
# How often (s) all artifacts are added up; 0: never.
ARTIFACTS = int(os.environ.get("ARTIFACTS", 0))

STATES = """
    SELECT state, count(*), extract(epoch FROM now() - min(pulp_created))::float8 FROM core_task
    WHERE state IN ('waiting', 'running', 'canceling') GROUP BY state
"""
# Moments are in seconds from now, so those that have been are negative.
UNFINISHED = f"""
    SELECT state, immediate, reserved_resources_record, extract(epoch FROM unblocked_at - now())::float8 FROM core_task
    WHERE state IN ('waiting', 'running', 'canceling') ORDER BY pulp_created LIMIT {OLDEST}
"""
FINISHED = f"""
    SELECT pulp_id, state, immediate, extract(epoch FROM coalesce(unblocked_at, started_at, finished_at) - now())::float8,
           extract(epoch FROM finished_at - now())::float8
    FROM (SELECT * FROM core_task ORDER BY pulp_created DESC LIMIT {NEWEST}) AS newest
    WHERE finished_at > now() - make_interval(secs => %s)
"""
# Workers that start take what is free to be taken, but do not look for minutes what has come to be free while nobody was there.
WAKE = "SELECT pg_notify('pulp_worker_wakeup', 'unblock')"
ONE_TABLE = "SELECT to_regclass('core_appstatus') IS NOT NULL"
ONLINE = "SELECT app_type, count(*) FROM core_appstatus WHERE last_heartbeat > now() - ttl GROUP BY app_type"
# Older releases have a table for each kind of process, and say nowhere how long a beat holds.
ONLINE_BEFORE = """
    SELECT 'api', count(*) FROM core_apiappstatus WHERE last_heartbeat > now() - interval '120 seconds'
    UNION ALL SELECT 'content', count(*) FROM core_contentappstatus WHERE last_heartbeat > now() - interval '30 seconds'
    UNION ALL SELECT 'worker', count(*) FROM core_worker WHERE last_heartbeat > now() - interval '30 seconds'
"""


def connect(limit):
    at = {file.name: file.read_text() for file in DATABASE.iterdir() if file.is_file()}
    if "sslrootcert" in at:
        at["sslrootcert"] = str(DATABASE / "sslrootcert")
    connection = psycopg.connect(**at, connect_timeout=5, application_name="metrics", autocommit=True)
    connection.execute(f"SET statement_timeout = {limit}")
    return connection


class Database:
    """One connection, made when it is needed, and again when it is lost."""

    def __init__(self):
        self.lock = threading.Lock()
        self.connection = None

    def ask(self, query, *values):
        with self.lock:
            for again in (True, False):
                try:
                    if self.connection is None:
                        self.connection = connect(LIMIT)
                    return self.connection.execute(query, values or None).fetchall()
                except psycopg.OperationalError:
                    if self.connection is not None and self.connection.broken:
                        self.connection = None
                    # A query that took too long would do so again.
                    if self.connection is not None or not again:
                        raise


class Kept:
    """What is found out anew only when the last time was too long ago."""

    def __init__(self, seconds, make):
        self.lock = threading.Lock()
        self.seconds, self.make = seconds, make
        self.asked = self.at = self.value = None

    def get(self, *asked):
        with self.lock:
            if self.at is None or self.asked != asked or time.monotonic() - self.at > self.seconds:
                self.value = self.make(*asked)
                self.asked, self.at = asked, time.monotonic()
            return self.value


def runnable(unfinished):
    """When each of these tasks, oldest first, came to where only a worker was missing; not those that an earlier one stands in the way
    of. As Pulp has it: of two that name the same resource the earlier one goes first, unless both only share it. It is workers
    who note the time; None: nobody has noticed yet."""
    exclusive, shared, begins = set(), set(), []
    for state, immediate, resources, unblocked in unfinished:
        own = {name for name in resources or [] if not name.startswith("shared:")}
        lent = {name[7:] for name in resources or [] if name.startswith("shared:")} - own
        free = not own & (exclusive | shared) and not lent & exclusive
        # One that runs immediately is with the API and ends within seconds.
        if free if state == "waiting" else not immediate:
            begins.append(unblocked)
        exclusive |= own
        shared |= lent
    return begins


def busiest(spans, start):
    """How many of these times, each with begin and end, overlap at most after `start`."""
    moments = []
    for begin, end in spans:
        if end > start:
            # Where one ends as another begins, they do not overlap: ends are sorted first.
            moments += [(max(begin, start), 1), (end, -1)]
    most = count = 0
    for _, change in sorted(moments):
        count += change
        most = max(most, count)
    return most


class Tasks:
    """What is known of tasks and processes."""

    def __init__(self):
        self.database = Database()
        self.demand = Kept(FRESH, self.look_back)
        self.numbers = Kept(FRESH, self.look)
        self.slow = Kept(SLOW, self.look_slowly)
        self.sums = []
        # Tasks that have ended since this process was first asked, by state; those seen lately; when.
        self.ended = dict.fromkeys(("completed", "failed", "canceled", "skipped"), 0)
        self.seen = None
        self.at = time.monotonic()

    def look_back(self, seconds):
        """How many tasks could run at once if there were workers enough: now, and at the busiest moment of the last seconds."""
        begins = self.runnable()
        spans = [(min(begin or 0, 0), float("inf")) for begin in begins]
        for _, _, immediate, begin, end in self.database.ask(FINISHED, seconds):
            if not immediate:
                spans.append((begin, end))
        return {"now": len(begins), "most": busiest(spans, -seconds)}

    def runnable(self):
        begins = runnable(self.database.ask(UNFINISHED))
        if None in begins:
            self.database.ask(WAKE)
        return begins

    def look(self):
        found = {state: (count, age) for state, count, age in self.database.ask(STATES)}
        states = [({"state": state}, found.get(state, (0, 0))[0]) for state in ("waiting", "running", "canceling")]
        [(one_table,)] = self.database.ask(ONE_TABLE)
        online = dict(self.database.ask(ONLINE if one_table else ONLINE_BEFORE))
        self.count()
        return [
            gauge("pulp_tasks", "Tasks that have not ended.", *states),
            gauge(
                "pulp_tasks_runnable",
                "Tasks that run, or could if there were workers enough.",
                ({}, len(self.runnable())),
            ),
            gauge(
                "pulp_tasks_oldest_waiting_seconds",
                "How long the oldest waiting task has been waiting.",
                ({}, found.get("waiting", (0, 0))[1]),
            ),
            (
                "pulp_tasks_finished_total",
                "Tasks that have ended.",
                "counter",
                [({"state": state}, count) for state, count in self.ended.items()],
            ),
            gauge(
                "pulp_processes_online",
                "Processes whose last heartbeat still counts.",
                *[({"type": kind}, online.get(kind, 0)) for kind in ("api", "content", "worker")],
            ),
        ]

    def count(self):
        """Counts those that have ended since the last time. What ended a little earlier is looked at too: its transaction may only now
        have come to its end."""
        finished = self.database.ask(FINISHED, time.monotonic() - self.at + 300)
        self.at = time.monotonic()
        for task, state, *_ in finished if self.seen is not None else []:
            if task not in self.seen:
                self.ended[state] = self.ended.get(state, 0) + 1
        self.seen = {task for task, *_ in finished}

    def look_slowly(self):
        [(repositories,)] = self.database.ask("SELECT count(*) FROM core_repository")
        return [gauge("pulp_repositories", "Repositories of all kinds.", ({}, repositories))] + volume()

    def add_up(self):
        """Adds up all artifacts, again and again. Each time that is a look at every row of their table: on a connection of its own."""
        while True:
            try:
                with connect(0) as connection:
                    query = "SELECT count(*), coalesce(sum(size), 0)::float8 FROM core_artifact"
                    [(count, size)] = connection.execute(query).fetchall()
                self.sums = [
                    gauge("pulp_artifacts", "Artifacts in the database.", ({}, count)),
                    gauge("pulp_artifacts_bytes", "Size of all of them.", ({}, size)),
                ]
            except psycopg.Error as error:
                print(f"artifacts are not added up: {' '.join(str(error).split())}", flush=True)
            time.sleep(ARTIFACTS)

    def metrics(self):
        return self.numbers.get() + self.slow.get() + self.sums


def volume():
    """What the API says of the volume for artifacts; nothing if it does not answer."""
    if not API:
        return []
    try:
        api = http.client.HTTPConnection(API, 24817, timeout=3)
        api.request("GET", "/pulp/api/v3/status/")
        storage = json.load(api.getresponse())["storage"] or {}
    except (OSError, http.client.HTTPException, ValueError, KeyError) as error:
        print(f"the API does not tell the volume's size: {error}", flush=True)
        return []
    words = [
        ("size", "total", "Size of the volume for artifacts."),
        ("used", "used", "Used of the volume for artifacts."),
        ("free", "free", "Free on the volume for artifacts."),
    ]
    return [gauge(f"pulp_storage_{name}_bytes", about, ({}, storage[key])) for name, key, about in words if storage.get(key) is not None]


def gauge(name, about, *values):
    return name, about, "gauge", values


def page(found):
    """As Prometheus reads it."""
    lines = []
    for name, about, kind, values in found:
        lines += [f"# HELP {name} {about}", f"# TYPE {name} {kind}"]
        for labels, value in values:
            labels = ",".join(f'{key}="{value}"' for key, value in labels.items())
            lines.append(f"{name}{{{labels}}} {value}" if labels else f"{name} {value}")
    return "\n".join(lines) + "\n"


class Handler(BaseHTTPRequestHandler):
    timeout = 30

    def do_GET(self):
        path = urlsplit(self.path)
        if path.path == "/metrics":
            try:
                found, up = TASKS.metrics(), 1
            except psycopg.Error as error:
                self.tell(error)
                found, up = [], 0
            found = [gauge("pulp_database_up", "Whether the database answers.", ({}, up)), *found]
            self.answer(200, "text/plain; version=0.0.4; charset=utf-8", page(found))
        elif path.path == "/demand":
            [seconds] = parse_qs(path.query).get("seconds", ["0"])[:1]
            if not re.fullmatch("[0-9]{1,5}", seconds):
                return self.answer(400, "text/plain", "seconds is a number of at most five digits")
            try:
                self.answer(200, "application/json", json.dumps(TASKS.demand.get(int(seconds))))
            except psycopg.Error as error:
                self.tell(error)
                self.answer(503, "text/plain", "the database does not answer")
        elif path.path == "/alive":
            self.answer(200, "text/plain", "yes")
        else:
            self.answer(404, "text/plain", "there are /metrics and /demand")

    def answer(self, status, kind, text):
        body = text.encode()
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def tell(self, error):
        print(f"{self.path}: {' '.join(str(error).split())}", flush=True)

    def log_message(self, *_):
        """Not each request."""


class Server(ThreadingHTTPServer):
    address_family = socket.AF_INET6 if ":" in os.environ.get("POD_IP", "") else socket.AF_INET


TASKS = Tasks()
if __name__ == "__main__":
    # The first process of a container ends by no signal that it does not handle.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit())
    if ARTIFACTS:
        threading.Thread(target=TASKS.add_up, daemon=True).start()
    Server((os.environ["POD_IP"], PORT), Handler).serve_forever()
