"""The same three requests written by hand, as a careful team would: Flask, a connection pool, row-level security in a
transaction, JSON built by PostgreSQL. Run by bench/run.py --peers."""

import json
import os

import jwt
from flask import Flask, Response, request
from psycopg_pool import ConnectionPool

app = Flask(__name__)
pool = ConnectionPool("", min_size=4, max_size=8, kwargs={"autocommit": True, "prepare_threshold": 1})

LIST = """
select coalesce(json_agg(t), '[]')::text from (
    select e.id, e.amount, e.currency, e.note, e.spent_at, e.created_at,
        (select row_to_json(c) from (select c.id, c.name, c.color) c) as category
    from public.expenses e left join public.categories c on c.id = e.category_id
    order by e.spent_at desc, e.id desc limit 20) t
"""
ONE = "select coalesce(json_agg(e), '[]')::text from public.expenses e where id = %s"
CREATE = """
with new as (
    insert into public.expenses (category_id, amount, note, spent_at) values (%s, %s, %s, %s) returning *)
select json_agg(new)::text from new
"""


def answer(statement, values=(), status=200):
    token = request.headers["Authorization"].removeprefix("Bearer ")
    claims = jwt.decode(token, os.environ["JWT_SECRET"], algorithms=["HS256"], audience="authenticated")
    with pool.connection() as connection, connection.pipeline(), connection.transaction():
        connection.execute(
            "select set_config('role', 'authenticated', true), set_config('request.jwt.claims', %s, true)", [json.dumps(claims)]
        )
        row = connection.execute(statement, values).fetchone()
    return Response(row[0], status, content_type="application/json")


@app.get("/rest/v1/expenses")
def read():
    wanted = request.args.get("id")
    return answer(ONE, [int(wanted.removeprefix("eq."))]) if wanted else answer(LIST)


@app.post("/rest/v1/expenses")
def create():
    body = request.get_json()
    return answer(CREATE, [body["category_id"], body["amount"], body["note"], body["spent_at"]], 201)
