//! The constraint that can be neither concurrent nor NOT VALID: in a maintenance window, or by copy and swap.

use crate::rules::requirement::Finding;

use super::psql::{echo, literal, retried};

/// The way that was chosen; without a choice the script stops here, and says what each costs.
pub fn choice(number: usize, finding: &Finding) -> String {
    let mut text = String::from("\\if :{?overlap}\n\\else\n\\set overlap ask\n\\endif\n");
    text += "select :'overlap' = 'window' as in_window \\gset\n\\if :in_window\n";
    text += &retried(&finding.mend);
    text += "\\else\n";
    text += &echo("an EXCLUDE constraint can be neither concurrent nor NOT VALID:");
    text += &echo(
        "  -v overlap=window  adds it at once; every writer of allocations waits while the table is read and the",
    );
    text += &echo("                     index built: some ten seconds for a million rows. Run it when nobody books.");
    let stopped = format!("step {number} stopped: choose with -v overlap=window, and run this script again");
    text += &format!("do $holdfast$ begin raise exception {}; end $holdfast$;\n\\endif\n", literal(&stopped));
    text
}
