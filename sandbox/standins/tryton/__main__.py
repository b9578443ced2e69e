"""`python -m sandbox.standins.tryton --books FILE --port PORT`"""

from flask import Response

from sandbox.standins import serve
from sandbox.standins.books import Books
from sandbox.standins.surface import Refused, answer, build_app, control_route
from sandbox.standins.tryton.firm import seed
from sandbox.standins.tryton.records import Fields, Records
from sandbox.standins.tryton.rest import TrytonApi
from sandbox.standins.tryton.schema import MODELS, Kind, tables


def main() -> None:
    parser = serve.arguments("Tryton")
    parser.add_argument("--database", default="erp")
    parser.add_argument(
        "--key", default="tryton-standin-rest-key", help="what a bearer of it may use REST with"
    )
    options = parser.parse_args()
    books = Books(options.books, list(tables()))
    records = Records(books)
    seed(records)
    app = build_app(TrytonApi(records, options.database, options.key), options.identity)

    @control_route(app, "GET", "/records/<model>")
    def all_records(model: str) -> Response:
        if model not in MODELS:
            raise Refused(f"{model}: there is no such model here")
        plain: Fields = {name: {} for name, field in MODELS[model].items() if field.kind is not Kind.ONE2MANY}
        return answer(records.read(model, records.search(model, [], None), plain))

    @control_route(app, "GET", "/changes/<record>")
    def changes(record: str) -> Response:
        rows = books.rows("SELECT * FROM changes WHERE record = ? ORDER BY number", (record,))
        return answer([dict(row) for row in rows])

    serve.run("tryton", app, options, books.close)


if __name__ == "__main__":
    main()
