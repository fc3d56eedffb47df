// The box on the table. The client sits at the front (y = 0), the caseworker at the back.
//
// Each button is told apart without sight and without colour: by its place, its size, the shape of the raised frame round
// it, a raised symbol and raised letters. The light stands on the ridge between the two, and is seen from both sides.
//
// The pictures of it need `convexity`; the parts do not.
//
// Four parts are printed: `-D part="lid"`, "base", "light_bar" (translucent, without colour), "lamp_holder" (black).
// "clash" is what two things would have to share; a test wants it empty. Millimetres.

part = "assembly";
end_button = true; // the client's other button; false closes its place

width = 226;
depth = 190;
height = 58;
wall = 2.4;
corner = 10;
gap = 0.3;  // between parts that slide into each other
raised = 1.2;  // symbols and letters: what a finger reads (ISO 21542 asks for 1 mm)
letter_height = 15;
stroke = 2.6;

// Bought parts. Measure yours before you print.
no_at = [62, 62];
no_hole = 24;  // the thread of a 60 mm dome button with a microswitch
no_dome = 60;
start_at = [52, 146];
start_hole = 30;  // a 30 mm button that snaps in
end_at = [174, 62];
end_hole = 24;  // a 24 mm button that snaps in
attention_at = [112, 152];
attention_hole = 5.2;  // LED, 5 mm
microphone_at = [182, 146];
microphone_size = 70;  // a round array
microphone_ring = 31;  // where its microphones stand

light_at = [112, 112];
light_size = [64, 16, 24];  // above the lid
light_flange = 4;
lamp = 10.2;  // LED, 10 mm
eye = 5.2;  // phototransistor, 5 mm

pi_at = [48, 96];
pi_holes = [58, 49];
board_at = [128, 20];
board_holes = [66, 46];

post_inset = 9;
posts = [for (x = [post_inset, width - post_inset], y = [post_inset, depth - post_inset]) [x, y]];
cable_slots = [30, 44];  // network and power, in the caseworker's wall
cable_slot = [9, 10];

$fn = 40;

module outline(inset = 0) {
    translate([inset, inset])
        offset(corner - inset)
            translate([corner - inset, corner - inset])
                square([width - 2 * corner, depth - 2 * corner]);
}

// Letters as strokes, so that no font is needed, on a grid of 4 by 6.
function letter(name) =
    name == "N" ? [[[0, 0], [0, 6], [4, 0], [4, 6]]] :
    name == "E" ? [[[4, 6], [0, 6], [0, 0], [4, 0]], [[0, 3], [3, 3]]] :
    name == "S" ? [[[4, 5], [3, 6], [1, 6], [0, 5], [0, 4], [1, 3], [3, 3], [4, 2], [4, 1], [3, 0], [1, 0], [0, 1]]] :
    name == "T" ? [[[0, 6], [4, 6]], [[2, 6], [2, 0]]] :
    name == "A" ? [[[0, 0], [2, 6], [4, 0]], [[0.8, 2], [3.2, 2]]] :
    name == "R" ? [[[0, 0], [0, 6], [3, 6], [4, 5], [4, 4], [3, 3], [0, 3]], [[2, 3], [4, 0]]] :
    name == "O" ? [[[1, 0], [0, 1], [0, 5], [1, 6], [3, 6], [4, 5], [4, 1], [3, 0], [1, 0]]] :
    name == "P" ? [[[0, 0], [0, 6], [3, 6], [4, 5], [4, 4], [3, 3], [0, 3]]] :
    assert(false, str("no letter ", name)) [];

module lines(path) {
    for (i = [0 : len(path) - 2])
        hull() {
            translate(path[i]) circle(d = stroke, $fn = 16);
            translate(path[i + 1]) circle(d = stroke, $fn = 16);
        }
}

// Centred on its middle.
module word(text) {
    unit = (letter_height - stroke) / 6;
    pitch = 4 * unit + stroke + 2.2;
    translate([-(pitch * (len(text) - 1) + 4 * unit) / 2, -3 * unit])
        for (i = [0 : len(text) - 1])
            translate([i * pitch, 0])
                for (path = letter(text[i])) lines([for (p = path) p * unit]);
}

module cross(size) {
    lines([[-size / 2, -size / 2], [size / 2, size / 2]]);
    lines([[-size / 2, size / 2], [size / 2, -size / 2]]);
}

module exclamation(size) {
    lines([[0, -size / 8], [0, size / 2]]);
    translate([0, -size / 2]) circle(d = stroke * 1.2);
}

module frame_round(inner, thick) {
    difference() {
        circle(d = inner + 2 * thick);
        circle(d = inner);
    }
}

module frame_square(inner, thick) {
    difference() {
        offset(2) square(inner + 2 * thick - 4, center = true);
        square(inner, center = true);
    }
}

module frame_triangle(inner, thick) {
    difference() {
        offset(thick) circle(d = 2 * inner, $fn = 3);
        circle(d = 2 * inner, $fn = 3);
    }
}

module stadium(inset = 0) {
    hull() for (x = [-1, 1])
        translate([x * (light_size.x - light_size.y) / 2, 0]) circle(d = light_size.y - 2 * inset);
}

// What is raised on the lid, as the client or the caseworker reads it.
module labels() {
    translate(no_at) {
        frame_round(no_dome + 4, 4);
        translate([12, -48]) word("NEE");
        translate([-24, -48]) cross(13);
    }
    if (end_button)
        translate(end_at) {
            frame_square(34, 3);
            translate([0, -31]) word("STOP");
        }
    translate(start_at) rotate(180) {
        rotate(90) frame_triangle(37, 3);
        translate([0, -32.5]) word("START");
    }
    translate(attention_at) rotate(180) translate([14, 0]) exclamation(15);
}

module holes() {
    translate(no_at) circle(d = no_hole);
    translate(start_at) circle(d = start_hole);
    if (end_button) translate(end_at) circle(d = end_hole);
    translate(attention_at) circle(d = attention_hole);
    translate(light_at) stadium(-gap);
    translate(microphone_at) {
        for (ring = [[microphone_ring, 32], [20, 20], [9, 8]], i = [0 : ring[1] - 1])
            rotate(i * 360 / ring[1]) translate([ring[0], 0]) circle(d = 2.2, $fn = 12);
    }
}

module lid() {
    difference() {
        union() {
            translate([0, 0, height - wall]) linear_extrude(wall, convexity = 10) difference() {
                outline();
                holes();
            }
            // Drawn into the plate a little, so that the two are one body.
            translate([0, 0, height - 0.4]) linear_extrude(raised + 0.4, convexity = 10) labels();
            // The lip that finds the base.
            translate([0, 0, height - wall - 4]) linear_extrude(4.2, convexity = 10) difference() {
                outline(wall + gap);
                outline(wall + gap + 1.6);
            }
            // Screws come from below, so that nothing on top can be undone.
            for (p = posts)
                translate([p.x, p.y, wall + gap]) cylinder(d = 10, h = height - 2 * wall - gap + 0.2);
            // The microphone's array lies in a rim.
            translate([microphone_at.x, microphone_at.y, height - wall - 6]) linear_extrude(6.2, convexity = 10)
                frame_round(microphone_size + 1, 2);
        }
        for (p = posts)
            translate([p.x, p.y, wall + gap - 1]) cylinder(d = 4, h = 9); // a threaded insert, M3
        // The cables of the buttons leave the rim.
        translate([microphone_at.x - 60, microphone_at.y - 6, height - wall - 7]) cube([40, 12, 5]);
        for (x = cable_slots)
            translate([x - cable_slot.x / 2, depth - 3 * wall, height - wall - 4.1]) cube([cable_slot.x, 3 * wall, 4.1]);
    }
}

module standoffs(at, holes, hole) {
    for (x = [0, holes.x], y = [0, holes.y])
        translate([at.x + x, at.y + y, wall - 0.2]) difference() {
            cylinder(d = 6.5, h = 6.2);
            translate([0, 0, 1]) cylinder(d = hole, h = 6);
        }
}

module base() {
    difference() {
        union() {
            linear_extrude(wall, convexity = 10) outline();
            linear_extrude(height - wall - gap, convexity = 10) difference() {
                outline();
                outline(wall);
            }
            standoffs(pi_at, pi_holes, 2.2);
            standoffs(board_at, board_holes, 2.2);
            // A cable tie round each of these holds a cable.
            for (x = cable_slots)
                translate([x, depth - 16, wall - 0.2]) difference() {
                    translate([-4, -2, 0]) cube([8, 4, 14]);
                    translate([-5, -1.2, 8]) cube([10, 2.4, 2.4]);
                }
        }
        for (p = posts) {
            translate([p.x, p.y, -1]) cylinder(d = 3.4, h = 10);
            translate([p.x, p.y, -1]) cylinder(d = 6.4, h = 2.2);
        }
        for (x = cable_slots)
            translate([x - cable_slot.x / 2, depth - 2 * wall, height - cable_slot.y - wall])
                cube([cable_slot.x, 3 * wall, cable_slot.y + wall]);
    }
}

module light_bar() {
    translate([light_at.x, light_at.y, height]) difference() {
        union() {
            translate([0, 0, -wall - gap - 1]) linear_extrude(light_size.z + wall + gap + 1 - light_size.y / 2, convexity = 10) stadium();
            // Rounded above: nothing to hang a sheet of paper on.
            hull() for (x = [-1, 1])
                translate([x * (light_size.x - light_size.y) / 2, 0, light_size.z - light_size.y / 2]) sphere(d = light_size.y);
            translate([0, 0, -wall - gap - 2]) linear_extrude(2, convexity = 10) stadium(-light_flange);
        }
        // Hollow, so that all of it glows.
        translate([0, 0, -wall - 5]) linear_extrude(light_size.z + wall + 5 - light_size.y / 2, convexity = 10) stadium(2.5);
    }
}

// Under the light: the LED looks up, the phototransistors look at its side.
module lamp_holder() {
    translate([light_at.x, light_at.y, height - wall - gap - 2 - 14]) difference() {
        translate([-18, -9, 0]) cube([36, 18, 14 - gap]);
        translate([0, 0, -1]) cylinder(d = lamp, h = 16);
        translate([-19, 0, 8]) rotate([0, 90, 0]) cylinder(d = eye, h = 38);
    }
}

module dome_button() {
    translate([no_at.x, no_at.y, height + gap]) {
        cylinder(d = no_dome, h = 8);
        translate([0, 0, 8]) scale([1, 1, 0.3]) sphere(d = no_dome - 6);
        translate([0, 0, -34]) cylinder(d = no_hole - 1, h = 34);
    }
}

module small_button(at, hole) {
    translate([at.x, at.y, height + gap]) {
        cylinder(d = hole + 4, h = 3);
        cylinder(d = hole - 5, h = 6);
        translate([0, 0, -24]) cylinder(d = hole - 1, h = 24);
    }
}

module bought() {
    color("#2d5d8f") dome_button();
    color("#3b3b3b") small_button(start_at, start_hole);
    if (end_button) color("#3b3b3b") small_button(end_at, end_hole);
    color("#c9a227") translate([attention_at.x, attention_at.y, height - 6]) cylinder(d = 5, h = 9);
    color("#2f6f3e") translate([pi_at.x - 3.5, pi_at.y - 3.5, wall + 6.3]) cube([85, 56, 18]);
    color("#2f6f3e") translate([board_at.x - 2, board_at.y - 2, wall + 6.3]) cube([70, 50, 12]);
    color("#222222") translate([microphone_at.x, microphone_at.y, height - wall - 5]) cylinder(d = microphone_size, h = 4.9);
}

module printed(name) {
    if (name == "lid") lid();
    if (name == "base") base();
    if (name == "light_bar") light_bar();
    if (name == "lamp_holder") lamp_holder();
}

printed_parts = ["lid", "base", "light_bar", "lamp_holder"];

module clash() {
    for (i = [0 : len(printed_parts) - 1]) {
        for (j = [i + 1 : 1 : len(printed_parts) - 1])
            intersection() {
                printed(printed_parts[i]);
                printed(printed_parts[j]);
            }
        intersection() {
            printed(printed_parts[i]);
            bought();
        }
    }
}

module assembly() {
    color("#e9e6df") lid_without_labels();
    color("#1f1f1f") translate([0, 0, height]) linear_extrude(raised, convexity = 10) labels();
    color("#d9d5cc") base();
    color("#d33a2c") light_bar();
    bought();
}

module lid_without_labels() {
    difference() {
        lid();
        translate([0, 0, height]) cube([width, depth, 2 * raised]);
    }
}

if (part == "assembly") assembly();
else if (part == "open") {
    color("#d9d5cc") base();
    color("#3b3b3b") lamp_holder();
    bought();
}
else if (part == "clash") clash();
else {
    assert(len(search([part], printed_parts)) == 1 && search([part], printed_parts)[0] != [], str("no part ", part));
    printed(part);
}
