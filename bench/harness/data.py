"""Fills the project: 1000 people, 12 categories, 100 000 expenses, 50 accounts that can sign in."""

import json
import urllib.request
from concurrent.futures import ThreadPoolExecutor

PEOPLE = 1000
EACH = 100
EXPENSES = PEOPLE * EACH
ACCOUNTS = 50
PASSWORD = "a password of the bench 1"

LOAD = f"""
insert into public.categories (name, color)
    select (array['Groceries','Rent','Transport','Eating out','Health','Clothes','Travel','Gifts','Sports','Books','Pets','Other'])[n],
           '#' || lpad(to_hex(n * 1200000), 6, '0')
    from generate_series(1, 12) n;
insert into auth.users (id, email, aud, role, email_confirmed_at)
    select ('00000000-0000-4000-8000-' || lpad(n::text, 12, '0'))::uuid, 'user' || n || '@example.com',
           'authenticated', 'authenticated', now()
    from generate_series(1, {PEOPLE}) n;
-- people write in turns, so that the rows of one lie on different pages
insert into public.expenses (user_id, category_id, amount, note, spent_at)
    select ('00000000-0000-4000-8000-' || lpad((i % {PEOPLE} + 1)::text, 12, '0'))::uuid, i % 12 + 1,
           (i % 9000 + 100) / 100.0, 'bench expense number ' || i || ', paid by card in the shop around the corner',
           date '2026-01-01' + (i / {PEOPLE}) % 300
    from generate_series(0, {EXPENSES - 1}) i;
vacuum analyze public.expenses;
vacuum analyze public.categories;
vacuum analyze auth.users;
checkpoint;
"""

TIDY = f"""
delete from public.expenses where id > {EXPENSES};
vacuum analyze public.expenses;
checkpoint;
"""


def load(server):
    server.sql(LOAD)


def tidy(server):
    """Takes away what a create run has left, so that every run meets the same table."""
    server.sql(TIDY)


def sign_up(server, key):
    def one(number):
        request = urllib.request.Request(
            f"{server.url}/auth/v1/signup", method="POST",
            headers={"apikey": key, "content-type": "application/json"},
            data=json.dumps({"email": f"account{number}@example.com", "password": PASSWORD}).encode(),
        )
        with urllib.request.urlopen(request) as answer:
            answer.read()

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(one, range(1, ACCOUNTS + 1)))
