from eyechart.programs.identify import main

if __name__ == "__main__":
    main()
