"""Builds intake."""

from pathlib import Path

from services.intake.api import routes
from services.intake.api.attachments import attachment_files
from services.intake.api.door import Door
from services.intake.policy.seal import Vault
from services.intake.policy.tokens import Tokens
from services.intake.store import FRAME
from services.intake.subscriptions import SUBSCRIPTIONS
from services.intake.usecases.receive import writer
from shared.service import Environment, Service
from shared.store.batch import Batcher
from shared.store.database import Database


def build(environment: Environment) -> Service[None]:
    """Intake over its own database."""
    settings, secrets = environment.settings, environment.secrets
    database = Database(
        settings.database_url("intake"), frame=FRAME, service="intake", clock=environment.clock
    )
    vault = Vault(secrets.vault)
    batcher = Batcher(database, writer(vault, url=settings.public_url))
    door = Door(environment, batcher, vault, Tokens(secrets.matching))
    router, direct = routes(environment, database, door)
    return Service(
        name="intake",
        title="Complaints in, and the vault of personal data.",
        database=database,
        context=None,
        router=router,
        direct=direct,
        migrations=Path(__file__).parent / "migrations",
        subscriptions=SUBSCRIPTIONS,
        files=attachment_files,
    )
