"""What Metabase's API takes, of the endpoints that the project calls: bodies and query parameters.

Facts read in Metabase's API documentation (docs/api.json of its repository) and in the definitions of these
endpoints in its source as of 0.63, where most bodies are closed: a name that is not listed is refused. Every
request of the tests is held against this.
"""

from typing import Any

Schema = dict[str, Any]


def may_be(schema: Schema) -> Schema:
    return {"anyOf": [schema, {"type": "null"}]}


def closed(required: dict[str, Schema], optional: dict[str, Schema] | None = None) -> Schema:
    return {
        "type": "object",
        "properties": required | (optional or {}),
        "required": list(required),
        "additionalProperties": False,
    }


TEXT, WORDS, TRUTH = {"type": "string"}, {"type": "string", "minLength": 1}, {"type": "boolean"}
WHOLE, ID, FROM_0 = {"type": "integer"}, {"type": "integer", "minimum": 1}, {"type": "integer", "minimum": 0}
MAP = {"type": "object"}
NOTHING = may_be(closed({}))

TARGET = {
    "type": "array",
    "prefixItems": [
        {"const": "variable"},
        {"type": "array", "prefixItems": [{"const": "template-tag"}, WORDS], "minItems": 2, "maxItems": 2},
    ],
    "minItems": 2,
    "maxItems": 2,
}
PARAMETER = {
    "type": "object",
    "properties": {
        "id": WORDS,
        "name": TEXT,
        "slug": TEXT,
        # Of the many types there are, those of single values that fill variables.
        "type": {"enum": ["string/=", "number/=", "category"]},
        "sectionId": WORDS,
        "target": TARGET,
        "values_query_type": may_be({"enum": ["none", "list", "search"]}),
        "values_source_type": may_be({"enum": ["static-list", "card"]}),
        "values_source_config": {
            "type": "object",
            "properties": {
                "card_id": ID,
                "value_field": {
                    "type": "array",
                    "prefixItems": [
                        {"const": "field"},
                        {"anyOf": [WORDS, ID]},
                        may_be({"type": "object", "required": ["base-type"]}),
                    ],
                    "minItems": 3,
                },
            },
        },
    },
    "required": ["id", "type"],
}
TAG = closed(
    {"id": WORDS, "name": WORDS, "display-name": WORDS, "type": {"enum": ["text", "number", "date"]}},
    {"required": TRUTH, "default": {}},
)
NATIVE_QUERY = closed(
    {
        "type": {"const": "native"},
        "database": ID,
        "native": closed(
            {"query": WORDS}, {"template-tags": {"type": "object", "additionalProperties": TAG}}
        ),
    }
)
DISPLAYS = ("table", "scalar", "row", "bar", "line", "area", "scatter", "object", "pie", "combo")
CARD = {
    "name": WORDS,
    "dataset_query": NATIVE_QUERY,
    "display": {"enum": list(DISPLAYS)},
    "visualization_settings": MAP,
}
CARD_MORE = {
    "description": may_be(WORDS),
    "parameters": may_be({"type": "array", "items": PARAMETER}),
    "collection_id": may_be(ID),
    "collection_position": may_be(ID),
    "type": may_be({"enum": ["question", "model", "metric"]}),
    "entity_id": may_be(WORDS),
    "cache_ttl": may_be(ID),
}
DASHBOARD_MORE = {
    "description": may_be(TEXT),
    "parameters": may_be({"type": "array", "items": PARAMETER}),
    "collection_id": may_be(ID),
    "collection_position": may_be(ID),
    "cache_ttl": may_be(ID),
}
DASHCARD = closed(
    {"id": WHOLE, "size_x": ID, "size_y": ID, "row": FROM_0, "col": FROM_0},
    {
        "card_id": may_be(ID),
        "action_id": may_be(ID),
        "dashboard_tab_id": may_be(WHOLE),
        "parameter_mappings": may_be(
            {
                "type": "array",
                "items": {
                    "type": "object",
                    "properties": {"parameter_id": WORDS, "card_id": ID, "target": TARGET},
                    "required": ["parameter_id", "target"],
                },
            }
        ),
        "visualization_settings": may_be(MAP),
        "inline_parameters": may_be({"type": "array", "items": WORDS}),
        "series": may_be({"type": "array", "items": closed({"id": ID})}),
    },
)
TAB = closed({"id": WHOLE, "name": WORDS}, {"position": FROM_0})
DATABASE_MORE = {
    "details": MAP,
    "is_full_sync": may_be(TRUTH),
    "is_on_demand": may_be(TRUTH),
    "schedules": may_be(MAP),
    "auto_run_queries": may_be(TRUTH),
    "cache_ttl": may_be(ID),
}

# By method and path, with {} for a number: the body, and the query parameters there are.
ENDPOINTS: dict[tuple[str, str], tuple[Schema | None, tuple[str, ...]]] = {
    ("GET", "/api/health"): (None, ()),
    ("GET", "/api/session/properties"): (None, ()),
    ("POST", "/api/session"): (closed({"username": WORDS, "password": WORDS}, {"remember": TRUTH}), ()),
    ("POST", "/api/setup"): (
        closed(
            {
                "token": WORDS,
                "user": closed(
                    {"email": {"type": "string", "pattern": ".+@.+"}, "password": WORDS},
                    {"first_name": may_be(WORDS), "last_name": may_be(WORDS)},
                ),
                "prefs": closed(
                    {"site_name": WORDS},
                    {"site_locale": may_be(WORDS), "allow_tracking": may_be(TRUTH)},
                ),
            }
        ),
        (),
    ),
    ("GET", "/api/user/current"): (None, ()),
    ("GET", "/api/permissions/group"): (None, ()),
    ("GET", "/api/api-key"): (None, ()),
    ("POST", "/api/api-key"): (closed({"name": WORDS, "group_id": ID}), ()),
    ("PUT", "/api/api-key/{}/regenerate"): (NOTHING, ()),
    ("GET", "/api/database"): (None, ("include", "saved", "include_analytics")),
    ("POST", "/api/database"): (
        closed({"name": WORDS, "engine": WORDS, "details": MAP}, DATABASE_MORE),
        (),
    ),
    ("PUT", "/api/database/{}"): (
        closed(
            {}, DATABASE_MORE | {"name": may_be(WORDS), "engine": may_be(WORDS), "description": may_be(TEXT)}
        ),
        (),
    ),
    ("POST", "/api/database/{}/sync_schema"): (NOTHING, ()),
    ("POST", "/api/database/{}/rescan_values"): (NOTHING, ()),
    ("GET", "/api/database/{}/metadata"): (None, ("include_hidden", "remove_inactive", "skip_fields")),
    ("PUT", "/api/table/{}"): (
        closed(
            {},
            {
                "display_name": may_be(WORDS),
                "description": may_be(TEXT),
                "caveats": may_be(TEXT),
                "points_of_interest": may_be(TEXT),
                "visibility_type": may_be(WORDS),
            },
        ),
        (),
    ),
    ("PUT", "/api/field/{}"): (
        closed(
            {},
            {
                "display_name": may_be(WORDS),
                "description": may_be(WORDS),
                "semantic_type": may_be({"type": "string", "pattern": "^type/"}),
                "fk_target_field_id": may_be(ID),
                "visibility_type": may_be(WORDS),
                "has_field_values": may_be({"enum": ["none", "list", "search", "auto-list"]}),
                "settings": may_be(MAP),
                "coercion_strategy": may_be(WORDS),
            },
        ),
        (),
    ),
    ("GET", "/api/collection"): (None, ("archived", "exclude-other-user-collections")),
    ("POST", "/api/collection"): (
        closed({"name": WORDS}, {"description": may_be(WORDS), "parent_id": may_be(ID)}),
        (),
    ),
    ("PUT", "/api/collection/{}"): (
        closed(
            {},
            {"name": may_be(WORDS), "description": may_be(WORDS), "archived": may_be(TRUTH)},
        ),
        (),
    ),
    ("GET", "/api/collection/{}/items"): (None, ("models", "archived", "pinned_state", "sort_column")),
    ("POST", "/api/card"): (closed(CARD, CARD_MORE), ()),
    ("GET", "/api/card/{}"): (None, ()),
    ("PUT", "/api/card/{}"): (closed({}, CARD | CARD_MORE | {"archived": may_be(TRUTH)}), ()),
    ("POST", "/api/dashboard"): (closed({"name": WORDS}, DASHBOARD_MORE), ()),
    ("GET", "/api/dashboard/{}"): (None, ()),
    ("PUT", "/api/dashboard/{}"): (
        closed(
            {},
            DASHBOARD_MORE
            | {
                "name": may_be(WORDS),
                "archived": may_be(TRUTH),
                "width": {"enum": ["fixed", "full"]},
                "auto_apply_filters": may_be(TRUTH),
                "dashcards": may_be({"type": "array", "items": DASHCARD}),
                "tabs": may_be({"type": "array", "items": TAB}),
            },
        ),
        (),
    ),
}
