// Night drive: behind the wheel in the rain, in a city that moves on the beat.
//
// On the beat: a lane mark and a street lamp pass, the wipers arrive at either side. On the downbeat: under a traffic
// light that has stepped through the bar. Kick: brake lights of the car in front, and the springs. Snare: a shot at
// the roadside, mirrored in the asphalt. Hat: glints in the drops. Bass: neon. Spectrum: lit windows. Energy: fog
// lifts, the lens widens, colours wake. Mood: from sodium and teal to magenta and cyan.
//
// No ray marching: a street is two walls and a floor, so each is met by one division; what is below the horizon sees
// the same street mirrored. Lengths are metres; the road runs ROAD metres a beat, so all that stands along it is
// counted in beats and repeats every 2^n of them, which carries it over the wrap of the beat count.

const float TAU = 6.2831853;
const float ROAD = 9.0;     // metres a beat
const float EYE = 1.25;     // height of the eye
const float WALL = 10.5;    // from the middle of the road to the houses
const int LAMPS = 7;

float hash(vec2 p) {
    vec3 q = fract(p.xyx * vec3(0.1031, 0.1030, 0.0973));
    q += dot(q, q.yzx + 33.33);
    return fract((q.x + q.y) * q.z);
}

vec3 palette(float t) {  // neon: teal, magenta, amber, turned by mood
    return 0.5 + 0.5 * cos(TAU * (vec3(0.52, 0.18, 0.10) + vec3(1.0, 0.75, 0.62) * t + vec3(0.0, 0.05, 0.1) * mood));
}

vec3 film(vec3 x) {  // ACES, the fit of Narkowicz (2015)
    return clamp((x * (2.51 * x + 0.03)) / (x * (2.43 * x + 0.59) + 0.14), 0.0, 1.0);
}

void main() {
    float scale = min(resolution.y, resolution.x * 1.2);
    vec2 p = (gl_FragCoord.xy - 0.5 * resolution) / scale;
    vec2 edge = 0.5 * resolution / scale;
    float pixel = 1.0 / scale;
    float wide = 0.25 + 0.75 * energy;

    // ---- the windscreen: drops bend the view, wipers take them away ----
    float swing = role_wiper;
    float cleared = 9.0, number = 0.0, blade = 0.0, glint = 0.0;
    for (int i = 0; i < 2; i++) {
        vec2 pivot = vec2(i == 0 ? -0.62 * edge.x : 0.16 * edge.x, -edge.y - 0.06);
        vec2 d = p - pivot;
        float reach = 0.62 * edge.x + 0.22;
        float r = length(d);
        float u = (atan(d.y, d.x) - 0.10) / 1.95;
        float inside = step(r, reach) * step(0.0, u) * step(u, motion);
        float at = acos(clamp(1.0 - 2.0 * u / max(motion, 0.01), -1.0, 1.0)) / 3.14159265;
        float since = min(mod(beat - at, 2.0), mod(beat + at, 2.0));
        cleared = mix(cleared, min(cleared, since), inside);
        number += inside * (floor((beat - at) * 0.5) + floor((beat + at) * 0.5));
        float a = 0.10 + 1.95 * swing;
        vec2 along = vec2(cos(a), sin(a));
        float side = dot(d, vec2(-along.y, along.x)), far = dot(d, along);
        float thick = mix(0.0075, 0.003, far / reach);
        float on = smoothstep(reach, reach - 0.01, far) * step(0.02, far);
        blade = max(blade, on * smoothstep(thick + 1.5 * pixel, thick, abs(side)));
        glint = max(glint, on * smoothstep(0.004, 0.0, abs(side - thick)));
    }
    float rain = 0.55 + 0.45 * (1.0 - energy);
    vec2 bend = vec2(0.0);
    float wet = 0.0, shine = 0.0;
    for (int i = 0; i < 2; i++) {
        float cells = i == 0 ? 11.0 : 27.0;
        vec2 g = p * cells + vec2(7.3 * float(i), 0.0);
        float fall = 0.0625 * float(1 + int(hash(vec2(floor(g.x), 3.0)) * 3.0));
        g.y += time * fall * (i == 0 ? 1.0 : 0.0);
        vec2 id = floor(g);
        float seed = mod(number, 64.0) + 70.0 * float(i);
        float h1 = hash(vec2(mod(id.y, 256.0), id.x) + seed), h2 = fract(h1 * 57.31);
        vec2 c = 0.5 + 0.5 * (vec2(h1, h2) - 0.5);
        float size = 0.26 * fract(h1 * 91.7) * step(0.45, fract(h2 * 13.7)) * smoothstep(0.02, 1.4, cleared) * rain;
        vec2 n = (fract(g) - c) / max(size, 0.02) * vec2(1.0, 0.85);
        float m = dot(n, n);
        float in_drop = smoothstep(1.0, 0.7, m) * step(0.03, size);
        bend += in_drop * n * (0.10 + 0.10 * m);
        wet = max(wet, in_drop);
        shine += in_drop * smoothstep(0.45, 0.0, length(n - vec2(-0.35, 0.45)));
    }

    // ---- the eye: springs, lean, lens ----
    vec2 c = p - bend;
    float lean = 0.014 * motion * sin(TAU * bar * 0.5);
    c += vec2(-c.y, c.x) * lean;
    c.y += 0.010 * role_kick * motion;
    float horizon = -0.03;
    float lens = mix(1.10, 0.80, wide);
    vec2 ray = c - vec2(0.05 * sin(TAU * bar * 0.125), horizon);

    // The bonnet mirrors the street ahead; so does the road. Either way one look at the street is enough.
    float rim = -edge.y + 0.085 - 0.10 * (c.x / edge.x) * (c.x / edge.x);
    float bonnet = smoothstep(rim + pixel, rim - pixel, c.y);
    float down = max(-ray.y, 0.0008);
    float depth = EYE * lens / down;                 // of the road under this pixel
    vec2 ground = vec2(ray.x * depth / lens, depth / ROAD + beat);  // metres across, beats along
    float road = step(ray.y, 0.0);
    float ripple = sin(ground.x * 5.3 + 2.0 * sin(TAU * ground.y * 2.0)) * sin(TAU * ground.y * 5.0 + ground.x * 2.1)
        + 0.6 * sin(ground.x * 17.0 - TAU * ground.y * 9.0);
    ripple *= exp(-depth * 0.045);
    vec2 look = vec2(ray.x + road * ripple * 0.012, abs(ray.y) + road * ripple * 0.018);
    float eye = mix(EYE, -EYE, road);
    vec2 stretch = mix(vec2(1.0), vec2(1.15, 0.34), road);  // wet asphalt draws lights out towards us
    if (bonnet > 0.0) {
        look = vec2(c.x * 1.5, 0.05 + (rim - c.y) * 5.5);
        eye = EYE;
        stretch = vec2(1.0, 0.5);
    }

    // ---- sky and skyline ----
    float fog = mix(0.030, 0.0085, wide);
    vec3 haze = mix(vec3(0.150, 0.075, 0.030), vec3(0.135, 0.030, 0.105), mood) * (0.45 + 0.5 * wide);
    vec3 night = mix(vec3(0.006, 0.022, 0.030), vec3(0.022, 0.008, 0.040), mood);
    vec3 sodium = mix(vec3(1.0, 0.50, 0.16), vec3(1.0, 0.42, 0.38), mood);
    float up = max(look.y, 0.0);
    vec3 col = mix(night, haze, exp(-up * 4.2));
    col += haze * 0.25 * exp(-up * 3.0) * (0.5 + 0.5 * sin(look.x * 6.0 + 2.0 * sin(up * 9.0 + time * TAU / 64.0)));

    float lot = floor(look.x * 34.0);
    float tall = 0.05 + 0.17 * hash(vec2(lot, 5.0)) * exp(-look.x * look.x * 3.0);
    float lit = texture(spectrum, vec2(fract(abs(lot) * 0.0625 + 0.02), 0.5)).r;
    vec2 win = vec2(look.x * 34.0 * 4.0, up * 130.0);
    float tower = step(up, tall) * smoothstep(-0.0, 0.02, up);
    float lamp = step(0.42, hash(floor(win))) * step(0.3, fract(win.x)) * step(0.35, fract(win.y));
    lamp *= 0.15 + 1.6 * smoothstep(0.0, 0.08, lit - up / tall);
    col = mix(col, haze * 0.55 + vec3(0.9, 0.62, 0.36) * lamp * 0.30, tower * 0.85);

    // ---- the houses: two walls ----
    float side = look.x < 0.0 ? -1.0 : 1.0;
    float away = WALL * lens / max(abs(look.x), 0.002);
    float high = eye + look.y * away / lens;
    float along = away / ROAD + beat;
    float house = mod(floor(along * 0.5), 2048.0);
    float kind = hash(vec2(house, side * 3.0 + 7.0));
    float roof = 7.0 + 26.0 * kind * kind + 4.0 * fract(kind * 17.0);
    float blur = clamp(away * away / (WALL * lens * ROAD) * pixel * 6.0, 0.0, 1.0);
    vec2 pane = vec2(along * 4.0, high / 3.1);
    vec2 cell = vec2(mod(floor(pane.x), 16384.0), floor(pane.y));
    float bin = fract(kind * 3.7 + cell.x * 0.03125);
    float level = texture(spectrum, vec2(bin, 0.5)).r;
    float dice = hash(cell + side * 31.0);
    vec2 f = abs(fract(pane) - 0.5);
    float soft = 0.04 + blur;
    float glass = smoothstep(0.36 + soft, 0.36 - soft, f.x) * smoothstep(0.30 + 0.05, 0.30 - 0.02, f.y);
    float burning = smoothstep(0.78 - 0.62 * level, 0.86 - 0.5 * level, dice) * (0.25 + 1.3 * level);
    vec3 warm = mix(vec3(1.0, 0.64, 0.30), palette(kind + 0.15), step(0.75, fract(dice * 7.0)));
    vec3 wall = (haze * 0.20 + night * 0.6) * (0.6 + 0.4 * step(0.1, f.x));
    wall += warm * glass * burning * step(1.0, cell.y) * 0.55;
    // Shop fronts along the pavement, and a rail of neon over some of them.
    float shop = smoothstep(0.2, 0.5, high) * smoothstep(3.1, 2.7, high) * step(0.35, fract(kind * 5.3));
    wall += palette(kind) * shop * (0.10 + 0.35 * role_neon) * (0.6 + 0.4 * smoothstep(0.45, 0.38, f.x));
    float tube = exp(-abs(high - 3.45) * 9.0) * step(0.5, fract(kind * 11.0));
    wall += palette(kind + 0.35) * tube * (0.25 + 1.5 * role_neon);
    float near = exp(-away * fog);
    col = mix(col, mix(haze * 0.8, wall, near), smoothstep(roof + 0.02 * away, roof, high) * step(-0.2, high));

    // ---- what stands along the street, from far to near: lamps, signs ----
    float part = fract(beat), whole = beat - part;
    vec3 light = vec3(0.0), pool = vec3(0.0);
    for (int i = LAMPS - 1; i >= -1; i--) {
        float n = mod(whole + float(i) + 1.0, 4096.0);
        float z = (float(i) + 1.0 - part) * ROAD + 8.0;
        float there = smoothstep(1.0, 4.5, z) * smoothstep(float(LAMPS) * ROAD + 8.0, float(LAMPS - 3) * ROAD, z);
        float k = lens / max(z, 0.5);
        float clear = exp(-z * fog) * there;
        float hand = mod(n, 2.0) < 0.5 ? -1.0 : 1.0;

        // A sign, half a beat behind the lamp on the other side.
        float zs = z + 0.5 * ROAD, ks = lens / max(zs, 0.5), here = smoothstep(3.0, 9.0, zs) * there;
        float who = hash(vec2(n, 11.0));
        vec2 q = (look - vec2(-hand * (WALL - 1.9) * ks, (6.0 + 3.0 * who - eye) * ks)) / ks;
        vec2 half_size = vec2(0.75, 1.3 + 1.6 * fract(who * 7.0));
        vec2 b = abs(q) - half_size;
        float box = max(b.x, b.y);
        float away_from = length(max(b, 0.0) * stretch);
        vec3 neon = palette(who + 0.1);
        float breath = (0.18 + 1.15 * role_neon) * exp(-zs * fog) * here * step(0.25, fract(who * 3.0));
        vec2 glyph = floor(q * vec2(2.0, 1.9) + 40.0);
        float ink = step(0.42, hash(glyph + floor(who * 64.0))) * smoothstep(0.0, -0.14, box);
        float fine = smoothstep(0.10 * lens, 0.30 * lens, ks * 14.0);
        col = mix(col, night * 0.4, step(box, 0.0) * here * 0.85 * step(0.25, fract(who * 3.0)));
        light += neon * breath * (ink * 0.9 * fine + exp(-abs(box + 0.06) * 16.0) * 1.6 + 0.30 * exp(-away_from * 1.1));

        // The lamp: pole, arm, head, glow.
        vec2 head = vec2(hand * 4.1, 6.4 - eye) * k;
        vec2 d = (look - head) / k;
        float pole = smoothstep(0.10 + pixel / k, 0.10, abs(d.x - hand * 1.6)) * step(d.y, 0.0);
        pole = max(pole, smoothstep(0.07 + pixel / k, 0.07, abs(d.y - 0.12)) * step(abs(d.x - hand * 0.8), 0.9));
        col = mix(col, night * 0.5 + haze * 0.3 * (1.0 - exp(-z * fog)), pole * there);
        d *= stretch;
        float dd = dot(d, d);
        float swell = 0.62 + 0.55 * role_pulse * exp(-float(i + 1) * 0.5);
        light += sodium * clear * swell * (0.16 / (dd + 0.03) + 0.10 / (sqrt(dd) + 0.5) * exp(-dd * 0.02));
        vec2 w = vec2(ground.x - hand * 3.6, depth - z);
        pool += sodium * clear * swell * exp(-dot(w * w, vec2(0.11, 0.055)));
    }

    // ---- traffic lights: each passes overhead on the downbeat ----
    float bar_road = float(beats_per_bar) * ROAD;
    for (int i = 1; i >= -1; i--) {
        float z = (float(i) + 1.0 - bar_phase) * bar_road + 7.0;
        float there = smoothstep(1.0, 4.0, z) * smoothstep(2.0 * bar_road, 1.4 * bar_road, z);
        float k = lens / max(z, 0.5);
        vec2 q = (look - vec2(0.0, (5.7 - eye) * k)) / k;
        float beam = smoothstep(0.12 + pixel / k, 0.12, abs(q.y - 0.75)) * step(abs(q.x), 7.0);
        vec2 at = q - vec2(1.7, 0.0);
        float box = max(abs(at.x) - 0.98, abs(at.y) - 0.40);
        float dark = max(beam, smoothstep(pixel / k, 0.0, box));
        float clear = exp(-z * fog) * there;
        col = mix(col, night * 0.35 + haze * 0.4 * (1.0 - exp(-z * fog)), dark * there);
        float step_of = i == 0 ? role_traffic_light : (i < 0 ? 1.0 : 0.0);
        float trust = motion;
        vec3 on = vec3(step(step_of, 0.5), step(0.25, step_of) * step(step_of, 0.75), step(0.75, step_of));
        on = mix(vec3(0.0, 0.35, 0.0), on, trust);
        for (int j = 0; j < 3; j++) {
            vec2 d = (at - vec2(float(j - 1) * 0.62, 0.0)) * stretch;
            float dd = dot(d, d);
            vec3 hue = j == 0 ? vec3(1.0, 0.07, 0.05) : (j == 1 ? vec3(1.0, 0.45, 0.05) : vec3(0.05, 1.0, 0.55));
            float disc = smoothstep(0.062, 0.045, dd);
            light += hue * clear * (on[j] * (disc * 2.2 + 0.10 / (dd + 0.05) * exp(-dd * 0.10)) + 0.03 * disc);
        }
    }

    // ---- the car in front: its brakes are the kick ----
    float zc = 12.5, kc = lens / zc;
    vec2 car = (look - vec2(0.55 * sin(TAU * bar * 0.25) * kc, (0.82 - eye) * kc)) / kc;
    float body = max(abs(car.x) - 0.92, abs(car.y + 0.08) - 0.40);
    float cabin = max(abs(car.x) - 0.74 + 0.35 * (car.y - 0.3), abs(car.y - 0.55) - 0.36);
    float hull = min(body, cabin) - 0.06;
    float solid = smoothstep(pixel / kc, -pixel / kc, hull);
    float window = smoothstep(0.02, -0.02, max(abs(car.x) - 0.60 + 0.30 * (car.y - 0.3), abs(car.y - 0.58) - 0.20));
    vec3 paint = vec3(0.012, 0.010, 0.012) + haze * (0.10 + 0.25 * window) * smoothstep(-0.4, 0.9, car.y);
    paint += sodium * 0.10 * exp(-abs(hull + 0.03) * 30.0) * (0.4 + role_pulse);
    float brake = 0.30 + 1.5 * role_kick;
    col = mix(col, paint, solid);
    light *= 1.0 - 0.92 * solid;
    for (int j = -1; j <= 1; j += 2) {
        vec2 d = car - vec2(0.66 * float(j), 0.10);
        vec2 a = max(abs(d) - vec2(0.17, 0.045), 0.0) * stretch;
        float dd = dot(a, a);
        light += vec3(1.0, 0.035, 0.03) * brake * (0.9 * smoothstep(0.01, 0.0, dd) + 0.035 / (dd + 0.03) * exp(-dd * 0.3));
    }

    // ---- oncoming headlights, one pair a bar, over at a beat ----
    float trip = fract(beat * 0.25), whose = mod(floor(beat * 0.25), 1024.0);
    float zo = (1.0 - trip) * 96.0 + 3.0, ko = lens / zo;
    vec2 o = (look - vec2(-3.3, 0.70 - eye) * ko) / ko;
    o.x = abs(o.x) - 0.62;
    o *= stretch;
    float beams = exp(-zo * fog) * smoothstep(99.0, 70.0, zo) * step(0.3, hash(vec2(whose, 2.0)));
    light += vec3(0.80, 0.92, 1.0) * beams * (0.06 / (dot(o, o) + 0.012));

    // ---- the shot: on the snare, left and right by turns ----
    float left = (snare_count & 1) == 0 ? -1.0 : 1.0;
    float zg = 15.0, kg = lens / zg;
    vec2 g = (look - vec2(left * (5.2 + 1.3 * hash(vec2(float(snare_count), 1.0))), 1.5 - eye) * kg) / kg;
    vec2 gs = g * stretch;
    float gd = length(gs);
    float rays = pow(abs(cos(atan(gs.y, gs.x) * 2.5 + float(snare_count))), 12.0);
    light += vec3(1.0, 0.78, 0.48) * role_gunshot * (0.9 / (gd * gd * 3.0 + 0.12) + rays * 0.5 * exp(-gd * 1.1) / (gd + 0.25)
        + 0.20 * exp(-gd * 0.35));

    // ---- the road ----
    float dim = exp(-depth * fog);
    float mark = smoothstep(0.075, 0.055, abs(abs(ground.x) - 1.75)) ;
    float dash = fract(ground.y - 3.0 / ROAD);
    float sharp = clamp(depth * depth * pixel / (EYE * lens * ROAD) * 1.5, 0.004, 0.5);
    mark *= smoothstep(0.0, sharp, dash) * smoothstep(0.42, 0.42 - sharp, dash);
    mark = max(mark, 0.7 * smoothstep(0.09, 0.06, abs(abs(ground.x) - 5.3)));
    mark *= smoothstep(140.0, 40.0, depth);
    vec3 asphalt = night * 0.30 + haze * 0.05;
    float grit = 0.75 + 0.5 * hash(floor(vec2(ground.x * 24.0, mod(ground.y, 64.0) * 220.0)));
    asphalt += pool * (0.09 * mix(1.0, grit, exp(-depth * 0.10)));
    asphalt += mark * (vec3(0.16, 0.17, 0.17) + 1.1 * pool + vec3(0.25) * role_pulse * exp(-depth * 0.05));
    float fresnel = mix(0.16, 0.85, exp(-down * 7.0)) * (0.75 + 0.25 * sin(ground.x * 1.3 + sin(TAU * ground.y)));
    float under = exp(-dot(vec2(ground.x - 0.55 * sin(TAU * bar * 0.25), (depth - zc - 1.0) * 0.5), vec2(ground.x - 0.55 * sin(TAU * bar * 0.25), (depth - zc - 1.0) * 0.5)) * 0.9);
    vec3 floor_col = mix(haze * 0.7, asphalt * (1.0 - 0.7 * under), dim) + (col * 0.9 + light * 0.62) * fresnel;
    col = mix(col + light, floor_col, road * (1.0 - bonnet));
    col = mix(col, vec3(0.004) + col * 0.22 * smoothstep(-0.02, 0.10, rim - c.y + 0.03), bonnet);
    col += sodium * bonnet * exp(-abs(rim - c.y) * 160.0) * (0.05 + 0.22 * role_pulse);

    // ---- rain in the air, lit by what is behind it ----
    for (int i = 0; i < 2; i++) {
        float grid = i == 0 ? 46.0 : 24.0;
        vec2 s = vec2(p.x + p.y * 0.10, p.y) * grid;
        float column = floor(s.x), rnd = hash(vec2(column, 9.0 + float(i)));
        float run = fract(s.y / grid * 0.9 + time * (1.5 + 0.25 * floor(rnd * 4.0)) + rnd * 7.0);
        float line = smoothstep(0.16, 0.0, abs(fract(s.x) - 0.5)) * smoothstep(0.10, 0.0, run) * step(0.01, run);
        col += (haze * 0.5 + col * 0.7 + 0.01) * line * rain * 0.55;
    }

    // ---- glass, lens, film ----
    col = mix(col, col * 0.85 + haze * 0.06, wet);
    col += (sodium * 0.10 + haze * 0.5 + vec3(0.75, 0.9, 1.0) * 0.9 * role_spark) * shine * 0.8;
    col = mix(col, vec3(0.004), blade * 0.94);
    col += sodium * glint * (0.03 + 0.10 * role_pulse);
    float grey = dot(col, vec3(0.2126, 0.7152, 0.0722));
    col = max(mix(vec3(grey), col, 0.78 + 0.42 * wide), 0.0);
    vec2 v = p / edge;
    col *= 1.0 - 0.42 * smoothstep(0.35, 1.5, dot(v, v));
    col = film(col * (1.05 + 0.25 * energy));
    col = mix(col, col * col * (3.0 - 2.0 * col), 0.25);
    float grain = hash(gl_FragCoord.xy + fract(time) * vec2(917.0, 613.0)) - 0.5;
    picture = vec4(pow(max(col, 0.0), vec3(1.0 / 2.2)) + grain * 0.022, 1.0);
}
