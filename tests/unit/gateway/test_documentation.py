"""Documents are cut down to what is published, and joined without mixing names up."""

from gateway.documentation.rules import Document, cut_down, join


def operation(component: str, **more: object) -> Document:
    schema = {"$ref": f"#/components/schemas/{component}"}
    answer = {"200": {"description": "ok", "content": {"application/json": {"schema": schema}}}}
    return {"operationId": "show", "responses": answer, **more}


def document(paths: Document, **schemas: object) -> Document:
    return {
        "openapi": "3.1.0",
        "info": {"title": "t", "version": "1"},
        "paths": paths,
        "components": {
            "schemas": schemas,
            "securitySchemes": {"HTTPBearer": {"type": "http", "scheme": "bearer"}},
        },
    }


PAGE = {"type": "object", "properties": {"items": {"items": {"$ref": "#/components/schemas/Item"}}}}


def test_what_is_not_published_goes_and_its_components_with_it() -> None:
    paths = {
        "/v1/a": {"get": operation("Page"), "post": operation("Secret")},
        "/internal/b": {"get": operation("Secret")},
    }
    whole = document(paths, Page=PAGE, Item={"type": "string"}, Secret={})
    cut = cut_down(whole, lambda method, path: (method, path) == ("GET", "/v1/a"))
    assert cut["paths"] == {"/v1/a": {"get": operation("Page")}}
    assert set(cut["components"]["schemas"]) == {"Page", "Item"}


def test_security_schemes_stay() -> None:
    cut = cut_down(document({}), lambda _method, _path: True)
    assert "HTTPBearer" in cut["components"]["securitySchemes"]


def test_a_component_that_contains_itself_is_no_trouble() -> None:
    tree = {"properties": {"child": {"$ref": "#/components/schemas/Tree"}}}
    cut = cut_down(document({"/a": {"get": operation("Tree")}}, Tree=tree), lambda _method, _path: True)
    assert cut["components"]["schemas"] == {"Tree": tree}


def test_components_of_one_name_keep_apart() -> None:
    first = document({"/a": {"get": operation("Page")}}, Page=PAGE, Item={"type": "string"})
    other = document({"/b": {"get": operation("Page")}}, Page=PAGE, Item={"type": "integer"})
    joined = join("t", "d", {"auth": first, "billing": other})
    schemas = joined["components"]["schemas"]
    assert schemas["auth.Item"] == {"type": "string"}
    assert schemas["billing.Item"] == {"type": "integer"}
    items = schemas["billing.Page"]["properties"]["items"]["items"]
    assert items == {"$ref": "#/components/schemas/billing.Item"}


def test_operations_keep_their_own_names_and_say_whose_they_are() -> None:
    tagged = document({"/a": {"get": operation("Page", tags=["users"])}}, Page={})
    untagged = document({"/b": {"get": operation("Page")}}, Page={})
    joined = join("t", "d", {"auth": tagged, "ml": untagged})
    assert joined["paths"]["/a"]["get"]["operationId"] == "auth_show"
    assert joined["paths"]["/a"]["get"]["tags"] == ["auth: users"]
    assert joined["paths"]["/b"]["get"]["tags"] == ["ml"]


def test_methods_of_one_path_may_belong_to_different_services() -> None:
    auth = document({"/v1/users": {"post": operation("Page")}}, Page={})
    billing = document({"/v1/users": {"get": operation("Page")}}, Page={})
    joined = join("t", "d", {"auth": auth, "billing": billing})
    assert set(joined["paths"]["/v1/users"]) == {"get", "post"}


def test_the_authorize_button_is_one_for_all() -> None:
    joined = join("t", "d", {"auth": document({}), "ml": document({})})
    assert set(joined["components"]["securitySchemes"]) == {"HTTPBearer"}


def test_joining_leaves_the_parts_as_they_were() -> None:
    part = document({"/a": {"get": operation("Page")}}, Page={})
    join("t", "d", {"auth": part})
    assert part["paths"]["/a"]["get"]["operationId"] == "show"
