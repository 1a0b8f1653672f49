"""Keeps Pulp from deleting artifacts, for as long as this runs and `LEASE` seconds more.

A row of a table says until when; a trigger refuses to delete a row of an artifact while that time has not come, and Pulp deletes a
file only once its row is gone. Adding artifacts is not touched. What is left behind, the table and the trigger, refuses nothing.
"""

import os
import runpy
import signal
import sys
import time

import psycopg

# How long one beat holds (s): as long as a pod or a database may take to come back.
LEASE = 45
BEAT = 10

AT = runpy.run_path(os.environ["PULP_SETTINGS"])["DATABASES"]["default"]

THERE = "SELECT 1 FROM pg_trigger WHERE tgrelid = 'core_artifact'::regclass AND tgname = 'operator_hold'"

# A deletion that has begun holds the lock until it is committed, so a beat that has got it knows that none is under way.
PREPARE = """
CREATE TABLE IF NOT EXISTS operator_hold (one boolean PRIMARY KEY CHECK (one), until timestamptz NOT NULL);
CREATE OR REPLACE FUNCTION operator_hold() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    PERFORM pg_advisory_xact_lock_shared(hashtext('operator_hold'));
    PERFORM FROM operator_hold WHERE until > clock_timestamp();
    IF FOUND THEN
        RAISE EXCEPTION 'artifacts are not deleted while somebody holds them; try again when status.holds says that it is over'
            USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN OLD;
END $$;
CREATE TRIGGER operator_hold BEFORE DELETE ON core_artifact FOR EACH ROW EXECUTE FUNCTION operator_hold();
"""


def prepare(connection):
    with connection.transaction():
        # Whoever adds artifacts waits behind us while we wait for the table.
        connection.execute("SET LOCAL lock_timeout = '2s'")
        if not connection.execute(THERE).fetchone():
            connection.execute(PREPARE)


def beat(connection):
    with connection.transaction():
        connection.execute("SET LOCAL lock_timeout = '5s'")
        connection.execute("SELECT pg_advisory_xact_lock(hashtext('operator_hold'))")
        connection.execute(
            "INSERT INTO operator_hold VALUES (true, clock_timestamp() + %s * interval '1 second')"
            " ON CONFLICT (one) DO UPDATE SET until = excluded.until",
            [LEASE],
        )


def hold():
    with psycopg.connect(
        host=AT["HOST"], port=AT["PORT"], dbname=AT["NAME"], user=AT["USER"], password=AT["PASSWORD"],
        autocommit=True, **{**AT["OPTIONS"], "connect_timeout": 5},
    ) as connection:
        prepare(connection)
        print("deletion is about to be held", flush=True)
        while True:
            begun = int(time.time())
            beat(connection)
            with open("/tmp/held", "w") as held:
                held.write(str(begun))
            time.sleep(BEAT)


# Not zero: whoever was told to go while the hold lasts has not done its work yet.
signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
told = None
while True:
    try:
        hold()
    except psycopg.Error as error:
        why = " ".join(str(error).split())
        if why != told:
            print(f"not held: {why}", file=sys.stderr, flush=True)
            told = why
        time.sleep(1)
