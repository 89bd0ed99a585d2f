"""The published Python client against a running project: python_client.py URL KEY. Prints what it got as JSON."""

import json
import sys
import uuid

from supabase import create_client

client = create_client(sys.argv[1], sys.argv[2])
account = {"email": f"python-{uuid.uuid4().hex[:8]}@example.com", "password": "a good password 1"}

signed_up = client.auth.sign_up(account)
client.auth.sign_out()
signed_in = client.auth.sign_in_with_password(account)

books = client.table("books").select("title, authors!author_id(name)", count="exact").order("id").limit(1).execute()
note = client.table("notes").insert({"slug": "from python"}).execute()
changed = client.table("notes").update({"body": "changed"}).eq("slug", "from python").execute()
who = client.rpc("who_am_i", {}).execute()

refused = None
try:
    client.table("closed_ledger").select("*").execute()
except Exception as error:  # the library's own class, whose place changed between versions
    refused = {"code": getattr(error, "code", None)}

print(json.dumps({
    "same": signed_up.user.id == signed_in.user.id,
    "id": signed_in.user.id,
    "books": books.data,
    "count": books.count,
    "note": note.data,
    "changed": changed.data,
    "who": who.data,
    "refused": refused,
}))
