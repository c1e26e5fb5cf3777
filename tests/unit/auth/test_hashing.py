"""Password hashing."""

from collections.abc import Iterator

import pytest
from passlib.hash import bcrypt
from pydantic import SecretStr
from tests.support.tokens import JWT_SECRET

from auth_service.passwords.hashing import PasswordHasher
from auth_service.settings import AuthSettings


@pytest.fixture
def hasher() -> Iterator[PasswordHasher]:
    settings = AuthSettings(jwt_secret=SecretStr(JWT_SECRET), db_password=SecretStr("unused"), bcrypt_cost=4)
    hasher = PasswordHasher(settings)
    yield hasher
    hasher.close()


async def test_password_matches_only_its_own_hash(hasher: PasswordHasher) -> None:
    hashed = await hasher.hash("a long sentence")
    assert await hasher.verify("a long sentence", hashed)
    assert not await hasher.verify("a long sentencf", hashed)


async def test_unknown_account_matches_no_password(hasher: PasswordHasher) -> None:
    assert not await hasher.verify("the password of nobody", None)


async def test_bytes_after_the_72nd_are_significant(hasher: PasswordHasher) -> None:
    hashed = await hasher.hash("x" * 72 + "a")
    assert not await hasher.verify("x" * 72 + "b", hashed)


async def test_plain_bcrypt_hash_verifies_and_needs_an_upgrade(hasher: PasswordHasher) -> None:
    hashed = bcrypt.using(rounds=4).hash("1234")
    assert await hasher.verify("1234", hashed)
    assert not await hasher.verify("x" * 100, hashed)
    assert hasher.needs_upgrade(hashed)
    assert not hasher.needs_upgrade(await hasher.hash("1234"))


async def test_hash_of_a_lower_cost_needs_an_upgrade(hasher: PasswordHasher) -> None:
    settings = AuthSettings(jwt_secret=SecretStr(JWT_SECRET), db_password=SecretStr("unused"), bcrypt_cost=5)
    costlier = PasswordHasher(settings)
    assert costlier.needs_upgrade(await hasher.hash("1234"))
    costlier.close()
