"""OpenAPI documents: reduction to published routes, and merge without name clashes."""

from gateway.documentation.rules import Document, keep_published, merge


def operation(component: str, **more: object) -> Document:
    schema = {"$ref": f"#/components/schemas/{component}"}
    response = {"200": {"description": "ok", "content": {"application/json": {"schema": schema}}}}
    return {"operationId": "show", "responses": response, **more}


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


def test_unpublished_operations_are_removed_with_their_components() -> None:
    paths = {
        "/v1/a": {"get": operation("Page"), "post": operation("Secret")},
        "/internal/b": {"get": operation("Secret")},
    }
    complete = document(paths, Page=PAGE, Item={"type": "string"}, Secret={})
    published = keep_published(complete, lambda method, path: (method, path) == ("GET", "/v1/a"))
    assert published["paths"] == {"/v1/a": {"get": operation("Page")}}
    assert set(published["components"]["schemas"]) == {"Page", "Item"}


def test_security_schemes_are_kept() -> None:
    published = keep_published(document({}), lambda _method, _path: True)
    assert "HTTPBearer" in published["components"]["securitySchemes"]


def test_recursive_component_is_kept_once() -> None:
    tree = {"properties": {"child": {"$ref": "#/components/schemas/Tree"}}}
    published = keep_published(
        document({"/a": {"get": operation("Tree")}}, Tree=tree), lambda _method, _path: True
    )
    assert published["components"]["schemas"] == {"Tree": tree}


def test_components_of_one_name_get_the_service_as_prefix() -> None:
    first = document({"/a": {"get": operation("Page")}}, Page=PAGE, Item={"type": "string"})
    other = document({"/b": {"get": operation("Page")}}, Page=PAGE, Item={"type": "integer"})
    merged = merge("t", "d", {"auth": first, "billing": other})
    schemas = merged["components"]["schemas"]
    assert schemas["auth.Item"] == {"type": "string"}
    assert schemas["billing.Item"] == {"type": "integer"}
    items = schemas["billing.Page"]["properties"]["items"]["items"]
    assert items == {"$ref": "#/components/schemas/billing.Item"}


def test_operation_ids_and_tags_name_their_service() -> None:
    tagged = document({"/a": {"get": operation("Page", tags=["users"])}}, Page={})
    untagged = document({"/b": {"get": operation("Page")}}, Page={})
    merged = merge("t", "d", {"auth": tagged, "ml": untagged})
    assert merged["paths"]["/a"]["get"]["operationId"] == "auth_show"
    assert merged["paths"]["/a"]["get"]["tags"] == ["auth: users"]
    assert merged["paths"]["/b"]["get"]["tags"] == ["ml"]


def test_methods_of_one_path_come_from_different_services() -> None:
    auth = document({"/v1/users": {"post": operation("Page")}}, Page={})
    billing = document({"/v1/users": {"get": operation("Page")}}, Page={})
    merged = merge("t", "d", {"auth": auth, "billing": billing})
    assert set(merged["paths"]["/v1/users"]) == {"get", "post"}


def test_security_scheme_is_shared_by_all_services() -> None:
    merged = merge("t", "d", {"auth": document({}), "ml": document({})})
    assert set(merged["components"]["securitySchemes"]) == {"HTTPBearer"}


def test_merge_does_not_change_its_inputs() -> None:
    original = document({"/a": {"get": operation("Page")}}, Page={})
    merge("t", "d", {"auth": original})
    assert original["paths"]["/a"]["get"]["operationId"] == "show"
