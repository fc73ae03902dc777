"""What these clients share: where the server is, for each of them the way its documentation tells."""

import pytest
from pydantic import BaseModel
from support.programs import forget_the_user

forget_the_user()


class Person(BaseModel):
    """Somebody."""

    name: str
    age: int


@pytest.fixture
def person():
    return Person
