#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use super::*;
use crate::data::augment::{Crop, Edge};

const SMALL: Place = Place { offset: 0, height: 32, width: 32 };

fn draws(augment: Augment) -> Draws {
    Draws { augment, out: [32, 32], seed: 7 }
}

#[test]
fn half_of_the_flips_at_a_half_and_another_pattern_each_epoch() {
    let draws = draws(Augment { flip: Some(Flip::Share(0.5)), ..Augment::default() });
    let flips = |epoch| (0..1000).map(|row| draws.draw(SMALL, row, epoch).flip).collect::<Vec<_>>();
    let of_one: u32 = (0..1000).map(|epoch| draws.draw(SMALL, 3, epoch).flip).sum();
    assert!((450..=550).contains(&of_one), "{of_one}");
    assert!((450..=550).contains(&flips(0).iter().sum::<u32>()));
    assert_ne!(flips(0), flips(1));
    assert_eq!(flips(1), flips(1));
}

#[test]
fn alternate_flips_change_sides_every_epoch() {
    let draws = draws(Augment { flip: Some(Flip::Alternate), ..Augment::default() });
    let flips = |epoch| (0..1000).map(|row| draws.draw(SMALL, row, epoch).flip).collect::<Vec<_>>();
    assert!(flips(0).iter().zip(flips(1)).all(|(a, b)| a + b == 1));
    assert_eq!(flips(0), flips(2));
    assert!((450..=550).contains(&flips(0).iter().sum::<u32>()));
}

#[test]
fn boxes_stay_within_the_padded_picture_and_reach_its_edges() {
    let crop = Crop { height: 32, width: 32, padding: 4, edge: Edge::Zero };
    let draws = draws(Augment { crop: Some(crop), ..Augment::default() });
    let tops: Vec<i32> = (0..2000).map(|row| draws.draw(SMALL, row, 0).top[0] >> 16).collect();
    assert_eq!((tops.iter().min(), tops.iter().max()), (Some(&-4), Some(&4)));
    let each = |top| tops.iter().filter(|&&found| found == top).count();
    // 2000/9 = 222 with a deviation of 14.
    assert!((-4..=4).all(|top| (160..290).contains(&each(top))));
}

#[test]
fn scales_are_drawn_and_boxes_fit_into_pictures() {
    let scale = Some(Scale { low: 40, high: 64 });
    let draws = draws(Augment { scale, ..Augment::default() });
    let place = Place { offset: 5, height: 100, width: 37 };
    for row in 0..500 {
        let Drawn { top, step, size, .. } = draws.draw(place, row, 1);
        for i in 0..2 {
            let end = i64::from(top[i]) + 32 * i64::from(step[i]);
            // A step is rounded to 65536ths, so that 32 of them may end 16 of these later.
            assert!(top[i] >= 0 && end <= i64::from(size[i]) * 65_536 + 16, "{row}: {top:?} {step:?}");
        }
    }
    let taps = draws.taps(&[place]);
    assert!(taps >= 3);
}

#[test]
fn factors_are_around_one() {
    let draws = draws(Augment { brightness: 0.4, contrast: 2.0, ..Augment::default() });
    let of = |row| draws.draw(SMALL, row, 0);
    let (low, high) = (0..1000).map(|row| of(row).brightness).fold((9f32, 0f32), |(a, b), v| (a.min(v), b.max(v)));
    assert!((0.6..0.62).contains(&low) && (1.38..=1.4).contains(&high), "{low} {high}");
    assert!((0..1000).all(|row| (0.0..=3.0).contains(&of(row).contrast)));
}

/// What `tests/cases/augment/boxes.py` computed apart from this program.
#[test]
fn boxes_are_those_of_the_python_copy() {
    let table = include_str!("../../../tests/cases/augment/boxes.csv");
    for line in table.lines().skip(1) {
        let fields: Vec<&str> = line.split(',').collect();
        let number = |i: usize| fields[i].parse::<i64>().unwrap();
        let (low, high) = (number(9) as usize, number(10) as usize);
        let crop = Crop {
            height: number(5) as usize,
            width: number(6) as usize,
            padding: number(8) as usize,
            edge: Edge::Zero,
        };
        let augment = Augment {
            flip: if fields[7] == "0" { None } else { Some(fields[7].parse().unwrap()) },
            crop: Some(crop),
            scale: (low > 0).then_some(Scale { low, high }),
            brightness: fields[11].parse().unwrap(),
            contrast: fields[12].parse().unwrap(),
        };
        let draws = Draws { augment, out: [crop.height, crop.width], seed: fields[0].parse().unwrap() };
        let place = Place { offset: 0, height: number(3) as u32, width: number(4) as u32 };
        let Drawn { top, step, flip, brightness, contrast, .. } = draws.draw(place, number(1) as u32, number(2) as u32);
        let found = [top[0], top[1], step[0] as i32, step[1] as i32, flip as i32].map(i64::from);
        let bits = [brightness, contrast].map(|factor| i64::from(factor.to_bits()));
        let wanted: Vec<i64> = (13..20).map(number).collect();
        assert_eq!([&found[..], &bits].concat(), wanted, "{line}");
    }
}
