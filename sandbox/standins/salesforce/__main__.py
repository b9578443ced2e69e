"""`python -m sandbox.standins.salesforce --books FILE --port PORT`"""

from sandbox.standins import serve
from sandbox.standins.books import Books
from sandbox.standins.salesforce import notifier, oauth, org
from sandbox.standins.salesforce.control_routes import add_routes
from sandbox.standins.salesforce.objects import tables
from sandbox.standins.salesforce.rest import SalesforceApi
from sandbox.standins.surface import build_app


def main() -> None:
    parser = serve.arguments("Salesforce")
    parser.add_argument("--client-id", default="oppsync-demo")
    parser.add_argument("--client-secret", default="salesforce-demo-secret")
    parser.add_argument("--token-seconds", type=float, default=7_200)
    parser.add_argument("--page-size", type=int, default=2_000, help="records in one page of a query")
    parser.add_argument("--daily-calls", type=int, default=1_000_000, help="refused with 403 beyond these")
    parser.add_argument("--single-currency", action="store_true", help="an org without CurrencyIsoCode")
    options = parser.parse_args()
    books = Books(options.books, [*tables(), *org.SCHEMA, *notifier.SCHEMA, *oauth.SCHEMA])
    sender = notifier.Notifier(books, org.ORGANIZATION)
    the_org = org.Org(books, sender, multi_currency=not options.single_currency)
    sign_in = oauth.OAuth(
        books, org.ORGANIZATION, options.client_id, options.client_secret, options.token_seconds
    )
    app = build_app(SalesforceApi(the_org, sign_in, options.page_size, options.daily_calls), options.identity)
    add_routes(app, the_org, sender, sign_in)
    sender.start()

    def close() -> None:
        sender.stop()
        books.close()

    serve.run("salesforce", app, options, close)


if __name__ == "__main__":
    main()
