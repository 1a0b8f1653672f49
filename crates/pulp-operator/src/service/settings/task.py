"""Asks Pulp for a task at `URL` with the JSON in `BODY`, as the administrator, and waits for its end."""

import base64
import json
import os
import sys
import time
import urllib.parse
import urllib.request

url = os.environ["URL"]
login = base64.b64encode(f"admin:{os.environ['PASSWORD']}".encode()).decode()


def ask(url, body=None):
    headers = {"Authorization": f"Basic {login}", "Content-Type": "application/json"}
    request = urllib.request.Request(url, body, headers)
    with urllib.request.urlopen(request, timeout=120) as answer:
        return json.load(answer)


task = urllib.parse.urljoin(url, ask(url, os.environ["BODY"].encode())["task"])
while (now := ask(task))["state"] in ("waiting", "running", "canceling"):
    time.sleep(5)
print(json.dumps({"state": now["state"], "progress": now["progress_reports"]}))
if now["state"] != "completed":
    sys.exit(f"{url}: the task ended as {now['state']}: {now['error']}")
