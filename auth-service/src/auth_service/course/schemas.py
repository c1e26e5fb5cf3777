"""The course API's bodies. Unlike in /v1, fields that nobody asked for are let pass."""

from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, Field, StrictInt, StringConstraints

from auth_service.fields import (
    LONGEST_COURSE_PASSWORD,
    SHORTEST_COURSE_PASSWORD,
    email_name,
)
from auth_service.users.schemas import AnyPassword, NewName, RawName, Text

CoursePassword = Annotated[
    str, StringConstraints(min_length=SHORTEST_COURSE_PASSWORD, max_length=LONGEST_COURSE_PASSWORD), Text
]
NewEmail = Annotated[RawName, AfterValidator(email_name)]


class EmailRegistration(BaseModel):
    email: NewEmail
    pwd: CoursePassword


class EmailLogin(BaseModel):
    email: RawName
    pwd: AnyPassword


class EmailReset(BaseModel):
    email: RawName
    new_password: CoursePassword


class RemoveUser(BaseModel):
    user_id: Annotated[StrictInt, Field(ge=1, le=2**63 - 1)]


class Created(BaseModel):
    status: Literal["success"] = "success"
    message: str
    email: str


class LoggedIn(BaseModel):
    status: Literal["OK"] = "OK"
    access_token: str
    token_type: Literal["bearer"] = "bearer"  # noqa: S105 - the name of a scheme


class Done(BaseModel):
    status: Literal["success"] = "success"
    message: str


class Signup(BaseModel):
    username: NewName
    password: CoursePassword


class Credentials(BaseModel):
    username: RawName
    password: AnyPassword


class SignedUp(BaseModel):
    id: int
    username: str
    role: str


class BearerToken(BaseModel):
    access_token: str
    token_type: Literal["bearer"] = "bearer"  # noqa: S105 - the name of a scheme
