"""The screens: pages made here, over the services' HTTP APIs. Each action is a plain form; the script adds comfort."""

from fastapi import APIRouter

from services.desk.pages.board import Board
from services.desk.pages.callbacks import Callbacks
from services.desk.pages.case import CasePage
from services.desk.pages.frame import Frame
from services.desk.pages.getting_in import GettingIn
from services.desk.pages.lifecycle import Lifecycles
from services.desk.pages.news import News, Presence, Streams
from services.desk.pages.peers import Peers
from services.desk.pages.portal import Portal
from services.desk.pages.provider import open_provider
from services.desk.pages.queue import Queue
from services.desk.pages.quick import QuickEntry
from services.desk.pages.single_sign_on import SingleSignOn
from services.desk.usecases.sessions import Passwords
from shared.service import Environment
from shared.store.database import Database

__all__ = ["ROOTS", "News", "Peers", "open_provider", "page_routes"]

ROOTS = ("", "desk", "portal")
"""First parts of the paths of pages."""


def page_routes(
    environment: Environment,
    database: Database,
    peers: Peers,
    passwords: Passwords,
    news: News,
) -> APIRouter:
    """Every page."""
    provider = peers.provider
    title = (provider.roles.title or provider.host) if provider else None
    frame = Frame(environment, database, peers, single_sign_on=title)
    lifecycles = Lifecycles(peers)
    presence = Presence(environment, database)
    GettingIn(frame, passwords)
    SingleSignOn(frame, provider)
    Queue(frame, lifecycles)
    CasePage(frame, lifecycles, news, presence)
    Streams(frame, news, presence)
    QuickEntry(frame)
    Board(frame, lifecycles)
    Callbacks(frame)
    Portal(frame)
    return frame.router
