"""The workloads: what wrk asks, and what pgbench runs beside it.

pgbench's statement is not written here: it is the very text that the server sends, read from PostgreSQL's log.
"""

import json
import re
import time
import urllib.request
from dataclasses import dataclass, field

from . import data
from .server import Failed
from .tokens import token

COLUMNS = "id,amount,currency,note,spent_at,created_at,category:categories(id,name,color)"


@dataclass
class Workload:
    name: str
    about: str
    path: str
    connections: int = 32
    method: str = "GET"
    # Lua expressions; `u` is the person (1 …), `r` a random number generator
    lua_path: str = ""
    lua_body: str = ""
    authorised: bool = True
    headers: dict = field(default_factory=dict)
    # pgbench: values of $1, $2 … in the captured statement; None: nothing to compare with
    values: list | None = None
    sample: dict | None = None
    sample_path: str = ""


LIST = Workload(
    name="list",
    about="20 newest expenses of the caller with the category embedded, order spent_at desc, id desc",
    path=f"/rest/v1/expenses?select={COLUMNS}&order=spent_at.desc,id.desc&limit=20",
    values=["20"],
)
ONE = Workload(
    name="one",
    about="one own expense by primary key",
    path="/rest/v1/expenses?id=eq.",
    lua_path=f'"/rest/v1/expenses?id=eq." .. (math.random(0, {data.EACH - 1}) * {data.PEOPLE} + u)',
    sample_path="/rest/v1/expenses?id=eq.1",
    values=[f"(:k * {data.PEOPLE} + :u)"],
)
CREATE = Workload(
    name="create",
    about="POST one expense, Prefer: return=representation, durable commit",
    path="/rest/v1/expenses",
    method="POST",
    headers={"Content-Type": "application/json", "Prefer": "return=representation"},
    lua_body='\'{"category_id":\' .. math.random(1, 12) .. \',"amount":\' .. math.random(1, 9999) .. '
             '\',"note":"coffee and a sandwich on the way to work","spent_at":"2026-11-05"}\'',
    sample={"category_id": 1, "amount": 5, "note": "coffee and a sandwich on the way to work", "spent_at": "2026-11-05"},
    values=["""('{"category_id":' || :c || ',"amount":' || :a || ',"note":"coffee and a sandwich on the way to work","spent_at":"2026-11-05"}')""",
            "'{id}'"],
)
HEALTH = Workload(name="health", about="GET /health, no key, no database", path="/health", authorised=False)
LOGIN = Workload(
    name="login",
    about="POST e-mail + password, argon2id 19 MiB t=2 p=1, 8 connections, 50 accounts in turn",
    path="/auth/v1/token?grant_type=password",
    method="POST",
    connections=8,
    authorised=False,
    headers={"Content-Type": "application/json"},
    lua_body=f'\'{{"email":"account\' .. math.random(1, {data.ACCOUNTS}) .. \'@example.com","password":"{data.PASSWORD}"}}\'',
)
ALL = {workload.name: workload for workload in (HEALTH, LIST, ONE, LOGIN, CREATE)}


def lua(workload, key, tokens_file, seed):
    """The wrk script of a workload."""
    headers = "".join(f"h[{json.dumps(name)}] = {json.dumps(value)}\n  " for name, value in workload.headers.items())
    path = workload.lua_path or json.dumps(workload.path)
    bearer = 'h["Authorization"] = "Bearer " .. tokens[u]' if workload.authorised else ""
    return f"""
local tokens = {{}}
function init(args)
  math.randomseed({seed})
  for line in io.lines({json.dumps(str(tokens_file))}) do tokens[#tokens + 1] = line end
end
function request()
  local u = math.random(1, #tokens)
  local h = {{}}
  h["apikey"] = {json.dumps(key)}
  {bearer}
  {headers}
  return wrk.format({json.dumps(workload.method)}, {path}, h, {workload.lua_body or "nil"})
end
function done(summary, latency, requests)
  local errors = summary.errors
  io.write(string.format('RESULT {{"requests":%d,"micros":%d,"p50":%f,"p99":%f,"status":%d,"broken":%d}}\\n',
    summary.requests, summary.duration, latency:percentile(50) / 1000, latency:percentile(99) / 1000,
    errors.status, errors.connect + errors.read + errors.write + errors.timeout))
end
"""


def capture(server, key, workload):
    """Asks once and returns (settings, main statement) as PostgreSQL saw them."""
    server.sql("alter system set log_min_duration_statement = 0; alter system set log_parameter_max_length = -1; select pg_reload_conf();")
    time.sleep(0.3)
    before = server.server_log().stat().st_size
    request = urllib.request.Request(
        server.url + (workload.sample_path or workload.path), method=workload.method,
        headers={"apikey": key, "Authorization": f"Bearer {token(1)}", **workload.headers},
        data=json.dumps(workload.sample).encode() if workload.sample else None,
    )
    with urllib.request.urlopen(request) as answer:
        body = answer.read()
    if len(body) < 50:
        raise Failed(f"{workload.name}: the sample answer is empty: {body!r}")
    time.sleep(0.3)
    server.sql("alter system reset log_min_duration_statement; alter system reset log_parameter_max_length; select pg_reload_conf();")
    with open(server.server_log(), "rb") as log:
        log.seek(before)
        text = log.read().decode()
    prefix = r"\d{4}-\d\d-\d\d [^\n]*? authenticator@postgres "
    statements = re.findall(
        prefix + r"LOG:  duration: [\d.]+ ms  execute [^:\n]*: (.*?)\n" + prefix + r"DETAIL:  [Pp]arameters: (.*?)(?=\n\d{4}-|\Z)", text, re.S,
    )
    main = [statement for statement, _ in statements if statement.startswith("WITH ")]
    settings = [pair for pair in statements if pair[0].startswith("select set_config(")]
    if not main or not settings:
        raise Failed(f"{workload.name}: no statement of the data role was found in PostgreSQL's log:\n{text}")
    return settings[-1], main[-1]


def script(workload, captured, all_settings):
    """A pgbench script: one pipelined round trip with the same statement.

    The limit sets what row-level security needs: role and claims. With `all_settings` it sets everything that the
    server sets (request headers, path, time-outs …), with the values of the sample request.
    """
    (settings, parameters), main = captured
    # pgbench takes `:name` and `:1` for variables, also inside a literal: hence the spaces
    claims = (
        """'{"iss":"bench","sub":"00000000-0000-4000-8000-' || lpad((:u)::text, 12, '0') || '","aud":"authenticated","""
        """"exp": 1995000000,"iat": 1795000000,"email":"user@example.com","role":"authenticated","aal":"aal1","""
        """"session_id":"00000000-0000-4000-8000-000000000001","is_anonymous": false}'"""
    )
    if all_settings:
        values = {int(n): value for n, value in re.findall(r"\$(\d+) = ('(?:[^']|'')*')", parameters)}
        # pgbench reads ':name' as a variable, also inside a literal
        safe = {n: re.sub(r":(?=[A-Za-z0-9_])", "'||chr(58)||'", value) for n, value in values.items()}
        named = {int(n) for n in re.findall(r"'request\.jwt\.claims', \$(\d+)", settings)}
        first = re.sub(r"\$(\d+)", lambda m: f"({claims})" if int(m[1]) in named else f"({safe[int(m[1])]})", settings)
    else:
        first = f"select set_config('role', 'authenticated', true), set_config('request.jwt.claims', {claims}, true)"
    statement = re.sub(r"\$(\d+)", lambda m: f"({workload.values[int(m[1]) - 1]})", main)
    return (
        f"\\set u random(1, {data.PEOPLE})\n\\set k random(0, {data.EACH - 1})\n\\set c random(1, 12)\n\\set a random(1, 9999)\n"
        f"\\startpipeline\nbegin;\n{first};\n{statement};\ncommit;\n\\endpipeline\n"
    )
