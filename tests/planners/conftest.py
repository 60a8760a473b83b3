"""What the planners' tests share: planners driven by hand, and the cards of the example shop."""

from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime
from typing import Any, Literal

import pytest
from pydantic import BaseModel, Field

from rag.card import SourceCard, free_query
from rag.plan import Plan
from rag.protocols import Complete, Completion, Execute, Failed, Planner, Probe, Relevance, Task

NOW = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)  # a Friday

Planned = Callable[..., Plan]


def _texts(*names: str) -> tuple[SourceCard, ...]:
    return tuple(SourceCard(name=name, arguments=free_query()) for name in names)


def _of(role: str) -> Any:
    return Field(None, json_schema_extra={"role": role})


def _id(letter: str, where: str) -> Any:
    return Field(None, pattern=rf"^{letter}-[0-9]+$", description=where)


class OrderArguments(BaseModel):
    """As a database source makes them from the shop's tables."""

    table: Literal["customers", "orders", "shipments"] | None = None
    query: str | None = _of("query")
    order_id: str | None = _id("O", "orders.order_id, shipments.order_id")
    customer_id: str | None = _id("C", "customers.customer_id, orders.customer_id")
    tracking: str | None = Field(None, pattern="^[A-Z]{2}[0-9]+$", description="shipments.tracking")
    status: (
        Literal["processing", "shipped", "delivered", "returned", "cancelled", "in transit", "delayed", "lost"] | None
    ) = None
    ordered_on_from: date | None = _of("from")
    ordered_on_to: date | None = _of("to")
    product: str | None = Field(
        None,
        json_schema_extra={"values": ["Heron Over-Ear Headphones", "Wren Sport Headphones", "Ridge 30 L Backpack"]},
    )
    newest: int | None = _of("newest")


ORDER_FIELDS = ("order_id", "customer_id", "product_id", "product", "quantity", "status", "carrier", "tracking")
ORDERS = SourceCard(
    name="orders",
    about="tables: customers (customer_id, name), orders (order_id, product, status), shipments (tracking, status)",
    arguments=OrderArguments,
    output={
        "type": "object",
        "properties": {name: {"role": "title"} if name == "product" else {} for name in ORDER_FIELDS},
    },
)


@pytest.fixture(scope="session")
def shop() -> tuple[SourceCard, ...]:
    return (*_texts("policies", "products", "reviews"), ORDERS)


@pytest.fixture(scope="session")
def texts() -> Callable[..., tuple[SourceCard, ...]]:
    """Sources that take words alone, by their names."""
    return _texts


@pytest.fixture(scope="session")
def orders() -> SourceCard:
    return ORDERS


@pytest.fixture(scope="session")
def now() -> datetime:
    return NOW


@pytest.fixture(scope="session")
def task() -> Callable[..., Task]:
    def made(question: str, cards: Sequence[SourceCard], **more: Any) -> Task:
        return Task(question, tuple(cards), NOW, **more)

    return made


@pytest.fixture(scope="session")
def planned() -> Planned:
    """The plan that a planner wants to run, its probes and its prompt answered by hand."""

    def drive(
        planner: Planner,
        task: Task,
        relevance: Callable[[str], dict[str, float]] = lambda _: {},
        reply: str | Exception = "",
    ) -> Plan:
        steps = planner.plan(task)
        actions = next(steps)
        while not isinstance(actions[0], Execute):
            seen: list[Any] = []
            for action in actions:
                if isinstance(action, Probe):
                    seen.append(Relevance(relevance(action.question)))
                else:
                    assert isinstance(action, Complete)
                    seen.append(Completion(reply) if isinstance(reply, str) else Failed(reply))
            actions = steps.send(tuple(seen))
        (execute,) = actions
        return execute.plan

    return drive


class ClinicArguments(BaseModel):
    """As a database source makes them from a clinic's tables."""

    table: Literal["appointments", "patients", "prescriptions"] | None = None
    query: str | None = _of("query")
    patient_id: str | None = Field(None, pattern="^P[0-9]+$", description="patients.patient_id")
    appointment_id: str | None = _id("A", "appointments.appointment_id")
    prescription_id: int | None = Field(None, description="prescriptions.prescription_id")
    name: str | None = Field(
        None, description="patients.name", json_schema_extra={"values": ["Ada Birch", "Eva Frost"]}
    )
    drug: str | None = Field(
        None, description="prescriptions.drug", json_schema_extra={"values": ["Metformin", "Ibuprofen"]}
    )
    status: Literal["booked", "done", "cancelled"] | None = Field(None, description="appointments.status")


CLINIC = SourceCard(
    name="clinic",
    about="tables: appointments (appointment_id, status), patients (patient_id, name), prescriptions (drug)",
    arguments=ClinicArguments,
    output={
        "type": "object",
        "properties": {
            "appointment_id": {"type": "string"},
            "patient_id": {"type": "string"},
            "name": {"type": "string", "role": "title"},
            "status": {"type": "string"},
            "prescription_id": {"type": "integer"},
            "drug": {"type": "string"},
        },
    },
)


@pytest.fixture(scope="session")
def clinic() -> tuple[SourceCard, ...]:
    return (*_texts("leaflets", "policies"), CLINIC)
