import { describe, expect, it } from 'vitest'
import { placeOn, zoomStep } from '../../../app/main/desktop/window-state.ts'

const LAPTOP = { x: 0, y: 25, width: 1440, height: 875 }
const SECOND = { x: 1440, y: 0, width: 1920, height: 1080 }

describe('the place of the window', () => {
  it('is the usual size at first', () => {
    expect(placeOn([LAPTOP], undefined)).toEqual({ width: 1100, height: 760 })
  })

  it('is where it was', () => {
    const last = { x: 1600, y: 100, width: 1200, height: 800 }
    expect(placeOn([LAPTOP, SECOND], last)).toEqual(last)
  })

  it.each([
    ['whose screen is gone', { x: 1600, y: 100, width: 1200, height: 800 }],
    ['whose title bar is above the screen', { x: 100, y: -400, width: 1200, height: 800 }],
    ['of which too little is left to take hold of', { x: 1420, y: 100, width: 1200, height: 800 }]
  ])('is for the system to say for a window %s', (_, last) => {
    expect(placeOn([LAPTOP], last)).toEqual({ width: 1200, height: 800 })
  })

  it('fits a screen that has become smaller', () => {
    const small = { x: 0, y: 0, width: 1024, height: 600 }
    expect(placeOn([small], { x: 0, y: 0, width: 2000, height: 1500 })).toMatchObject({
      width: 1024,
      height: 600
    })
  })
})

describe('zoom', () => {
  it('goes in steps and stops at the ends', () => {
    expect(zoomStep(1, 'in')).toBe(1.1)
    expect(zoomStep(1, 'out')).toBe(0.9)
    expect(zoomStep(1.05, 'in')).toBe(1.1)
    expect(zoomStep(3, 'in')).toBe(3)
    expect(zoomStep(0.5, 'out')).toBe(0.5)
  })
})
