"""The floor of intake: a FastAPI route and SQLAlchemy Core in a group commit, writing the same rows.

No credential, no masking, no sealing, no look-up of what came before, no relay.
"""

import argparse

from fastapi import FastAPI, Request
from pydantic import BaseModel

from bench.floors.grouping import Groups, postgresql_writer, sqlite_writer
from bench.floors.rows import Complaint, posted
from bench.floors.serving import serve


class Accepted(BaseModel):
    id: str
    number: str
    status_url: str
    received_at: str


def application(groups: Groups) -> FastAPI:
    """The app with its one route."""
    app = FastAPI()

    @app.post("/complaints", status_code=202)
    async def post(body: Complaint, request: Request) -> Accepted:
        one = posted(body, key=request.headers["idempotency-key"], raw=await request.body())
        await groups.submit(one)
        return Accepted(
            id=one.id,
            number=one.number,
            status_url=f"/complaints/{one.number}",
            received_at=one.at.isoformat(),
        )

    return app


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--database", required=True, help="a file, or postgresql+asyncpg://…")
    options = parser.parse_args()
    is_postgresql = options.database.startswith("postgresql")
    write = (
        postgresql_writer(options.database) if is_postgresql else sqlite_writer(options.database)
    )
    serve(application(Groups(write)), port=options.port)


if __name__ == "__main__":
    main()
