"""Every known export: its sample is read to the cent, however it is written, and in another's place it is refused."""

import csv
import gzip
import io
import json
import random
from decimal import Decimal

import pytest
import xlsxwriter

from ingestion.money import MINOR_UNITS
from ingestion.sources.presets import presets
from ingestion.sources.tabular.grids import UnreadableTableError
from tests.ingestion.sources.tables import read

ALL = sorted(presets().values(), key=lambda one: one.name)
TEXT = [one for one in ALL if one.sample_suffix in ("csv", "tsv")]
PLATFORMS = sorted({platform for one in ALL for platform in one.platforms})


def place(one):
    return "ledger" if one.kind == "ledger" else f"spend/{(one.platforms or ('my_dsp',))[0]}"


def named(text):
    return None if text is None else str(text)


def told(one, found):
    """The rows as a preset's `gives` has them."""
    if one.kind == "spend":
        return [
            (str(row["spend_on"]), row["campaign_id"], row["campaign_name"], row["impressions"], row["clicks"],
             money(row["spend_minor"], row["currency"], row["spend_rest"]), row["currency"])
            for row in found.rows.to_dicts()
        ]  # fmt: skip
    return [
        (row["order_id"], str(row["ordered_at"]), row["status"],
         *[None if row[f"{name}_minor"] is None else money(row[f"{name}_minor"], row["currency"])
           for name in ("revenue", "refunded", "cogs")], row["currency"], str(row["updated_at"]))
        for row in found.rows.to_dicts()
    ]  # fmt: skip


def money(minor, currency, rest=0):
    exact = Decimal(minor).scaleb(-MINOR_UNITS[currency]) + Decimal(rest).scaleb(-12)
    text = f"{exact:f}"
    whole, _, fraction = text.partition(".")
    fraction = fraction.rstrip("0").ljust(MINOR_UNITS[currency], "0")
    return f"{whole}.{fraction}" if fraction else whole


def config(one):
    currency = {"currency": one.sample_currency} if one.sample_currency else {}
    return currency | ({"preset": one.name} if one.only_if_named else {})


def sample(folder, one, content=None, suffix=None):
    content = one.sample if content is None else content
    return read(folder, content, place(one), f"a.{suffix or one.sample_suffix}", **config(one))


@pytest.mark.parametrize("one", ALL, ids=lambda one: one.name)
def test_the_sample_is_read_to_the_cent(tmp_path, one):
    found = sample(tmp_path, one)
    assert found.table.known.preset.name == one.name
    assert told(one, found) == list(one.gives)
    assert found.refused.is_empty()
    assert found.table.odd == {}


def delimiter(one):
    return "\t" if one.sample_suffix == "tsv" else ","


def header_place(one, rows):
    """Where the header stands in a sample: below its titles."""
    names = set(map(plain, one.signature))
    return next(place for place, row in enumerate(rows) if names <= set(map(plain, row)))


def plain(name):
    return name.lower().split("(")[0].replace(" ", "").replace("_", "").replace("-", "")


def reordered(one):
    """The sample with its columns in another order, titles and totals where they were."""
    rows = list(csv.reader(io.StringIO(one.sample), delimiter=delimiter(one)))
    start = header_place(one, rows)
    order = list(range(len(rows[start])))
    random.Random(one.name).shuffle(order)
    written = io.StringIO()
    writer = csv.writer(written, delimiter=delimiter(one))
    for number, row in enumerate(rows):
        is_cell_row = number >= start and len(row) == len(order)
        writer.writerow([row[place] for place in order] if is_cell_row else row)
    return written.getvalue()


@pytest.mark.parametrize("one", TEXT, ids=lambda one: one.name)
@pytest.mark.parametrize("how", ["reordered", "bom", "gz", "xlsx", "utf16", "upper"])
def test_the_sample_is_read_alike_however_it_is_written(tmp_path, one, how):
    text, suffix = one.sample, one.sample_suffix
    written = {
        "reordered": lambda: (reordered(one), suffix),
        "bom": lambda: (b"\xef\xbb\xbf" + text.encode(), suffix),
        "gz": lambda: (gzip.compress(text.encode()), f"{suffix}.gz"),
        "xlsx": lambda: (workbook(one), "xlsx"),
        "utf16": lambda: (text.encode("utf-16"), suffix),
        "upper": lambda: (upper(one), suffix),
    }[how]()
    assert told(one, sample(tmp_path, one, *written)) == list(one.gives)


JSON = [one for one in ALL if one.sample_suffix == "json"]


@pytest.mark.parametrize("one", JSON, ids=lambda one: one.name)
@pytest.mark.parametrize("how", ["reordered", "bom", "gz", "lines", "utf16"])
def test_a_sample_of_records_is_read_alike_however_it_is_written(tmp_path, one, how):
    records = json.loads(one.sample)
    listed = records if isinstance(records, list) else [records]
    written = {
        "reordered": lambda: (json.dumps(backwards(records)), "json"),
        "bom": lambda: (b"\xef\xbb\xbf" + one.sample.encode(), one.sample_suffix),
        "gz": lambda: (gzip.compress(one.sample.encode()), f"{one.sample_suffix}.gz"),
        "lines": lambda: ("\n".join(map(json.dumps, listed)) + "\n", "jsonl"),
        "utf16": lambda: (one.sample.encode("utf-16"), one.sample_suffix),
    }[how]()
    assert told(one, sample(tmp_path, one, *written)) == list(one.gives)


def backwards(value):
    """The same with the fields of each record in the opposite order."""
    if isinstance(value, dict):
        return {name: backwards(value[name]) for name in reversed(value)}
    return [backwards(one) for one in value] if isinstance(value, list) else value


def upper(one):
    lines = one.sample.splitlines(keepends=True)
    rows = [next(csv.reader([line], delimiter=delimiter(one)), []) for line in lines]
    start = header_place(one, rows)
    return "".join([*lines[:start], lines[start].upper(), *lines[start + 1 :]])


def workbook(one):
    written = io.BytesIO()
    with xlsxwriter.Workbook(written, {"in_memory": True}) as book:
        sheet = book.add_worksheet()
        for number, row in enumerate(csv.reader(io.StringIO(one.sample), delimiter=delimiter(one))):
            sheet.write_row(number, 0, row)
    return written.getvalue()


OTHERS = [
    (one, source)
    for one in ALL
    for source in ("ledger", *(f"spend/{platform}" for platform in PLATFORMS))
    if not (one.kind == "spend" and not one.platforms and source != "ledger")  # fits any platform
    and source.partition("/")[2] not in one.platforms
    and not (one.kind == "ledger" and source == "ledger")
]  # fmt: skip


@pytest.mark.parametrize(("one", "source"), OTHERS, ids=lambda value: getattr(value, "name", value))
def test_a_sample_in_anothers_folder_is_refused_and_the_message_names_its_own(tmp_path, one, source):
    with pytest.raises(UnreadableTableError) as caught:
        read(tmp_path, one.sample, source, f"a.{one.sample_suffix}", **config(one))
    home = "ledger" if one.kind == "ledger" else f"spend/{(one.platforms or ('<platform>',))[0]}"
    assert one.name in str(caught.value)
    assert f"move it to {home}" in str(caught.value)


@pytest.mark.parametrize("one", ALL, ids=lambda one: one.name)
def test_a_preset_says_what_to_export_and_where_its_columns_are_defined(one):
    assert one.export.endswith(".")
    assert one.documented_at.startswith(("https://", "docs/"))
    assert one.sample
    assert one.gives


@pytest.mark.parametrize("one", [one for one in ALL if one.only_if_named], ids=lambda one: one.name)
def test_an_export_without_net_amounts_is_read_only_where_the_configuration_names_it(tmp_path, one):
    with pytest.raises(UnreadableTableError) as caught:
        read(tmp_path, one.sample, place(one), f"a.{one.sample_suffix}", currency=one.sample_currency)
    assert one.only_if_named in str(caught.value)
    assert f"{{preset: {one.name}}}" in str(caught.value)


MONEY = [
    ("shopify_orders", "Shipping"), ("shopify_api", "total_tax"), ("shopify_api", "taxes_included"),
    ("woocommerce_order_export", "Order Shipping Amount"), ("woocommerce_order_export", "Cart Tax Amount"),
    ("bigcommerce", "Shipping Cost (ex tax)"), ("bigcommerce", "Order Total (inc tax)"),
    ("paypal", "Shipping and Handling Amount"), ("shopware", "taxStatus"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "column"), MONEY)
def test_an_export_without_a_column_that_its_amounts_are_made_of_is_refused_by_name(tmp_path, name, column):
    one = presets()[name]
    with pytest.raises(UnreadableTableError) as caught:
        sample(tmp_path, one, one.sample.replace(column, "Something else"))
    assert one.tool in str(caught.value)
    assert column in str(caught.value)
    assert "net of tax" in str(caught.value)


@pytest.mark.parametrize("name", ["shopify_orders", "shopify_api", "bigcommerce"])
def test_a_part_given_back_of_an_export_that_does_not_say_how_much_is_refused(tmp_path, name):
    one = presets()[name]
    column = {"shopify_api": "refunds"}.get(name, "Refunded Amount")
    found = sample(tmp_path, one, one.sample.replace(column, "something"))
    assert found.refused["reason"].to_list() == ["missing_field"]
    assert len(found.rows) == len(one.gives) - 1


def shopify(tmp_path, *rows, tax=""):
    """The revenue of each order; of (subtotal, shipping, taxes, total)."""
    head = (
        "Name,Financial Status,Currency,Subtotal,Shipping,Taxes,Total,Created at,Lineitem name,Refunded Amount,"
        "Tax 1 Name"
    )
    lines = [
        f"#{1000 + n},paid,EUR,{','.join(row.split())},2026-03-01 10:00:00 +0100,Shirt,0,{tax}"
        for n, row in enumerate(rows)
    ]
    found = read(tmp_path, "\n".join([head, *lines]), source="ledger")
    return found.rows["revenue_minor"].to_list(), found.refused.select("reason", "column_name").rows()


INCLUSIVE, EXCLUSIVE = "119 5 19.80 124", "100 5 19.95 124.95"


@pytest.mark.parametrize("order", [0, 1])
def test_an_order_with_a_tip_is_net_as_the_others_of_its_file_are(tmp_path, order):
    for other, with_tip, goods in [
        (INCLUSIVE, "119 0 19 139", 100_00), (INCLUSIVE, "119 0 19 124", 100_00), (EXCLUSIVE, "100 0 19 122", 100_00),
        (EXCLUSIVE, "100 0 19 139", 100_00), (EXCLUSIVE, "50 0 0 60", 50_00), (INCLUSIVE, "50 0 0 50", 50_00),
    ]:  # fmt: skip
        rows = [other, with_tip][:: 1 if order else -1]
        assert shopify(tmp_path, *rows)[0][order] == goods, (other, with_tip)


@pytest.mark.parametrize(
    ("order", "tax", "goods"),
    [
        ("119 0 19 129", "", 100_00),
        ("100 0 19 129", "", 100_00),
        ("119 0 19 139", "VAT 19%", 100_00),
        ("119 5 19.80 144", "DE MwSt 19.0%", 100_00),
        ("100 5 19.95 144.95", "VAT 19%", 100_00),
        ("100 0 7 117", "State Tax 7%", 100_00),
        ("219 0 19 249", "VAT 19%", 219_00),
    ],
)
def test_an_order_with_a_tip_alone_in_its_file_is_net_as_its_tax_tells(tmp_path, order, tax, goods):
    assert shopify(tmp_path, order, tax=tax)[0] == [goods]


def test_an_order_of_shopify_whose_tax_cannot_be_read_is_refused(tmp_path):
    assert shopify(tmp_path, "119 5 what 124")[1] == [("invalid_money", "net of tax")]
