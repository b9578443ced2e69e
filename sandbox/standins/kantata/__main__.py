"""`python -m sandbox.standins.kantata --books FILE --port PORT --token TOKEN`"""

from flask import Response

from sandbox.standins import serve
from sandbox.standins.books import Books
from sandbox.standins.kantata.api import SCHEMA, KantataApi
from sandbox.standins.surface import answer, build_app, control_route


def main() -> None:
    parser = serve.arguments("Kantata")
    parser.add_argument("--token", default="kantata-demo-token")
    options = parser.parse_args()
    books = Books(options.books, SCHEMA)
    api = KantataApi(books, options.token)
    app = build_app(api, options.identity)

    @control_route(app, "GET", "/workspaces")
    def workspaces() -> Response:
        return answer(api.workspaces())

    @control_route(app, "GET", "/resources")
    def resources() -> Response:
        return answer(api.resources())

    @control_route(app, "GET", "/changes/<workspace_id>")
    def changes(workspace_id: str) -> Response:
        rows = books.rows("SELECT * FROM changes WHERE id = ? ORDER BY number", (workspace_id,))
        return answer([dict(row) for row in rows])

    serve.run("kantata", app, options, books.close)


if __name__ == "__main__":
    main()
