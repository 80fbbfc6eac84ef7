"""Makes the dashboard's JSON of the panels, by Grafana's own library (grafana-foundation-sdk)."""

from grafana_foundation_sdk.builders import common, prometheus, timeseries
from grafana_foundation_sdk.builders.dashboard import Dashboard, DatasourceVariable, QueryVariable, Row
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models.common import LegendDisplayMode, LegendPlacement, TooltipDisplayMode
from grafana_foundation_sdk.models.dashboard import DataSourceRef, GridPos, VariableRefresh

from panels import ROWS, Panel

SOURCE = DataSourceRef(type_val="prometheus", uid="${source}")
WIDTH, HEIGHT = 12, 8


def variable(name: str, label: str, values: str) -> QueryVariable:
    chosen = QueryVariable(name).label(label).datasource(SOURCE).query(values).refresh(VariableRefresh.ON_TIME_RANGE_CHANGED)
    return chosen.include_all(True).all_value(".*").multi(True)


def drawn(panel: Panel, number: int, x: int, y: int) -> timeseries.Panel:
    picture = (
        timeseries.Panel()
        .id(number)
        .title(panel.title)
        .description(panel.shows)
        .datasource(SOURCE)
        .unit(panel.unit)
        .min(0)
        .fill_opacity(10)
        .grid_pos(GridPos(h=HEIGHT, w=WIDTH, x=x, y=y))
        .legend(
            common.VizLegendOptions()
            .show_legend(True)
            .display_mode(LegendDisplayMode.LIST)
            .placement(LegendPlacement.BOTTOM)
        )
        .tooltip(common.VizTooltipOptions().mode(TooltipDisplayMode.MULTI))
    )
    for letter, (legend, expression) in zip("ABCDEFGH", panel.lines.items()):
        picture = picture.with_target(prometheus.Dataquery().ref_id(letter).expr(expression).legend_format(legend))
    return picture


def dashboard() -> str:
    board = (
        Dashboard("holdfast")
        .uid("holdfast")
        .tags(["postgresql", "holdfast"])
        .description("Confirms, holds, findings, tasks and the outbox of holdfast. docs/alerts.md has the alerts.")
        .refresh("30s")
        .time("now-3h", "now")
        .timezone("browser")
        .with_variable(DatasourceVariable("source").label("Prometheus").type("prometheus"))
        .with_variable(variable("instance", "exporter", "label_values(holdfast_library_preloaded, instance)"))
        .with_variable(
            variable("datname", "database", 'label_values(holdfast_holds_live{instance=~"$instance"}, datname)')
        )
        .with_variable(
            variable("schema", "schema", 'label_values(holdfast_holds_live{datname=~"$datname"}, schema)')
        )
    )
    number, y = 1, 0
    for title, panels in ROWS.items():
        board = board.with_row(Row(title).id(number).grid_pos(GridPos(h=1, w=2 * WIDTH, x=0, y=y)))
        number, y = number + 1, y + 1
        for at, panel in enumerate(panels):
            board = board.with_panel(drawn(panel, number, (at % 2) * WIDTH, y + at // 2 * HEIGHT))
            number += 1
        y += (len(panels) + 1) // 2 * HEIGHT
    return JSONEncoder(sort_keys=True, indent=2).encode(board.build()) + "\n"
