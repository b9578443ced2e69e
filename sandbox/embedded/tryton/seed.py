"""Write a firm (`firm.py`) into a fresh Tryton database, through proteus and in this process.

`python -m sandbox.embedded.tryton.seed CONF FIRM`: CONF is a trytond configuration whose database has the
schema, FIRM a file with the firm as JSON.
Run it in a process of its own: trytond keeps its configuration and pool in globals.
"""

import datetime as dt
import sys
from decimal import Decimal
from pathlib import Path
from typing import Any

from proteus import Model, Wizard
from proteus import config as proteus_config

from sandbox.embedded.tryton import firm

RATES_SINCE = dt.date(2020, 1, 1)


def seed(conf: str, described: firm.Firm) -> None:
    """Write the whole firm, once; a second run fails on the first unique code."""
    config = proteus_config.set_trytond(f"sqlite:///{firm.DATABASE}", user="admin", config_file=conf)
    _finish_setup_wizards()
    countries = {
        country.code: _save("country.country", name=country.name, code=country.code)
        for country in described.countries
    }
    subdivisions = {each.code: _subdivision(each, countries) for each in described.subdivisions}
    currencies = {currency.code: _currency(currency) for currency in described.currencies}
    terms = {term.name: _payment_term(term) for term in described.payment_terms}
    companies = [(company, _company(company, currencies, countries)) for company in described.companies]
    _open_companies_to_admin([record for _, record in companies])
    customers = [(customer, _customer(customer, countries, subdivisions)) for customer in described.customers]
    category = _save("product.category", name="Services", accounting=True)
    templates = [(product, _product(product, category)) for product in described.products]
    employees, taxes = [], []
    for company, record in companies:
        with config.set_context(company=record.id):
            taxes.append(_open_books(company, record, category.id))
            employees.append(_employee(company, record))
            for customer, party in customers:
                _set("party.party", party.id, customer_payment_term=terms[customer.payment_term])
            for product, template in templates:
                _set("product.template", template.id, list_price=product.list_price)
    category.reload()  # setting an account clears the taxes, so these come last
    category.customer_taxes.extend([Model.get("account.tax")(tax.id) for tax in taxes])
    category.save()
    _service_user([record for _, record in companies], employees)


def _new(model: str, **values: Any) -> Any:
    return Model.get(model)(**values)


def _save(model: str, **values: Any) -> Any:
    record = _new(model, **values)
    record.save()
    return record


def _set(model: str, record_id: int, **values: Any) -> None:
    """Read first, in the company of the context, because prices, accounts and terms are kept per company."""
    record = Model.get(model)(record_id)
    for name, value in values.items():
        setattr(record, name, value)
    record.save()


def _one(model: str, *domain: tuple[str, str, object]) -> Any:
    (record,) = Model.get(model).find(list(domain))
    return record


def _finish_setup_wizards() -> None:
    for item in Model.get("ir.module.config_wizard.item").find([("state", "=", "open")]):
        item.state = "done"
        item.save()


def _currency(currency: firm.Currency) -> Any:
    record = _new(
        "currency.currency",
        name=currency.name,
        symbol=currency.symbol,
        code=currency.code,
        digits=currency.digits,
        rounding=Decimal(1).scaleb(-currency.digits),
    )
    record.rates.new(date=RATES_SINCE, rate=currency.rate)
    record.save()
    return record


def _payment_term(term: firm.PaymentTerm) -> Any:
    record = _new("account.invoice.payment_term", name=term.name, description=term.description)
    record.lines.new(type="remainder").relativedeltas.new(days=term.days)
    record.save()
    return record


def _company(company: firm.Company, currencies: dict[str, Any], countries: dict[str, Any]) -> Any:
    party = _new("party.party", name=company.name, code=company.code)
    (address,) = party.addresses
    address.street, address.city, address.country = company.street, company.city, countries[company.country]
    party.save()
    return _save(
        "company.company", party=party, currency=currencies[company.currency], timezone=company.timezone
    )


def _open_companies_to_admin(companies: list[Any]) -> None:
    admin = _one("res.user", ("login", "=", firm.DEVELOPMENT_ADMIN_LOGIN))
    admin.companies.extend([Model.get("company.company")(company.id) for company in companies])
    admin.company = Model.get("company.company")(companies[0].id)
    admin.company_filter = "all"
    admin.save()


def _open_books(company: firm.Company, record: Any, category_id: int) -> Any:
    """Make everything that a project and a posted invoice need; returns the default tax of services."""
    accounts = _chart_of_accounts(record)
    for year in firm.FISCAL_YEARS:
        _fiscal_year(record, year)
    _set(
        "product.category",
        category_id,
        account_revenue=accounts["revenue"],
        account_expense=accounts["expense"],
    )
    taxes = {tax.name: _tax(tax, record, accounts["tax"]) for tax in company.taxes}
    _cost_centres(company, record)
    return taxes[company.standard_tax]


def _cost_centres(company: firm.Company, record: Any) -> None:
    root = _save("analytic_account.account", type="root", name="Cost centres", company=record)
    for centre in company.cost_centres:
        _save(
            "analytic_account.account",
            type="normal",
            name=centre.name,
            code=centre.code,
            root=root,
            parent=root,
            company=record,
        )


def _employee(company: firm.Company, record: Any) -> Any:
    return _save("company.employee", party=_save("party.party", name=company.employee), company=record)


def _chart_of_accounts(company: Any) -> dict[str, Any]:
    wizard = Wizard("account.create_chart")
    wizard.execute("account")
    wizard.form.account_template = _one("account.account.template", ("parent", "=", None))
    wizard.form.company = company
    wizard.execute("create_account")
    accounts = {
        role: _one("account.account", ("code", "=", code), ("company", "=", company.id))
        for role, code in firm.ACCOUNTS.items()
    }
    wizard.form.account_receivable = accounts["receivable"]
    wizard.form.account_payable = accounts["payable"]
    wizard.form.category_account_revenue = accounts["revenue"]
    wizard.form.category_account_expense = accounts["expense"]
    wizard.execute("create_properties")
    return accounts


def _fiscal_year(company: Any, year: int) -> None:
    fiscal_year = _new(
        "account.fiscalyear",
        name=str(year),
        company=company,
        start_date=dt.date(year, 1, 1),
        end_date=dt.date(year, 12, 31),
    )
    fiscal_year.move_sequence = _sequence("Account Move", f"Moves {year}", company)
    invoices = _sequence("Invoice", f"Invoices {year}", company)
    (sequences,) = fiscal_year.invoice_sequences
    sequences.out_invoice_sequence = sequences.in_invoice_sequence = invoices
    sequences.out_credit_note_sequence = sequences.in_credit_note_sequence = invoices
    fiscal_year.save()
    fiscal_year.click("create_period")


def _sequence(kind: str, name: str, company: Any) -> Any:
    sequence_type = _one("ir.sequence.type", ("name", "=", kind))
    return _save("ir.sequence.strict", name=name, sequence_type=sequence_type, company=company)


def _tax(tax: firm.Tax, company: Any, account: Any) -> Any:
    return _save(
        "account.tax",
        name=tax.name,
        description=tax.description,
        type="percentage",
        rate=tax.rate,
        legal_notice=tax.legal_notice or None,
        company=company,
        invoice_account=account,
        credit_note_account=account,
    )


def _product(product: firm.Product, category: Any) -> Any:
    uom = _one("product.uom", ("name", "=", product.uom))
    if product.uom == "Unit":
        uom.rounding, uom.digits = 0.01, 2  # with whole units, 40 % progress would invoice nothing
        uom.save()
    template = _new(
        "product.template", name=product.name, type="service", default_uom=uom, account_category=category
    )
    template.products[0].suffix_code = product.code
    template.save()
    return template


def _subdivision(each: firm.Subdivision, countries: dict[str, Any]) -> Any:
    country = countries[each.country]
    return _save("country.subdivision", name=each.name, code=each.code, country=country, type="province")


def _customer(customer: firm.Customer, countries: dict[str, Any], subdivisions: dict[str, Any]) -> Any:
    party = _new("party.party", name=customer.name, code=customer.code)
    (address,) = party.addresses
    address.street, address.postal_code, address.city = customer.street, customer.postal_code, customer.city
    address.country, address.invoice = countries[customer.country], True
    if customer.subdivision:
        address.subdivision = subdivisions[customer.subdivision]
    if customer.tax_id:
        party.identifiers.new(type=customer.tax_id_type, code=customer.tax_id)
    party.save()
    return party


def _service_user(companies: list[Any], employees: list[Any]) -> None:
    """The integration's user: not an administrator, sees all companies; `server.py` gives it a key."""
    user = _new("res.user", name="Oppsync", login=firm.DEVELOPMENT_SERVICE_LOGIN)
    user.companies.extend([Model.get("company.company")(company.id) for company in companies])
    user.company = Model.get("company.company")(companies[0].id)
    user.company_filter = "all"  # otherwise only the current company's records can be written
    user.employees.extend([Model.get("company.employee")(employee.id) for employee in employees])
    user.employee = Model.get("company.employee")(employees[0].id)
    groups = Model.get("res.group").find([("name", "in", firm.SERVICE_GROUPS)])
    user.groups.extend(groups)
    user.save()


if __name__ == "__main__":
    seed(sys.argv[1], firm.read(Path(sys.argv[2])))
