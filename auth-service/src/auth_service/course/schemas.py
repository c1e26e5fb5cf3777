"""Bodies of the course API. Unlike in /v1, unknown fields are ignored."""

from typing import Literal

from pydantic import BaseModel

from auth_service.fields import AnyPassword, CoursePassword, NewEmail, NewName, RawName
from kit.fields import RowId


class EmailRegistration(BaseModel):
    email: NewEmail
    pwd: CoursePassword


class EmailLogin(BaseModel):
    email: RawName
    pwd: AnyPassword


class EmailReset(BaseModel):
    email: RawName
    new_password: CoursePassword


class UserRemoval(BaseModel):
    user_id: RowId


class EmailAccount(BaseModel):
    status: Literal["success"] = "success"
    message: str
    email: str


class EmailToken(BaseModel):
    status: Literal["OK"] = "OK"
    access_token: str
    token_type: Literal["bearer"] = "bearer"  # noqa: S105 - the name of a scheme


class Confirmation(BaseModel):
    status: Literal["success"] = "success"
    message: str


class Signup(BaseModel):
    username: NewName
    password: CoursePassword


class Credentials(BaseModel):
    username: RawName
    password: AnyPassword


class UsernameAccount(BaseModel):
    id: int
    username: str
    role: str


class UsernameToken(BaseModel):
    access_token: str
    token_type: Literal["bearer"] = "bearer"  # noqa: S105 - the name of a scheme
